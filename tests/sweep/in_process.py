"""An engine that runs trials one after the other in the tests' own process, where all is loaded already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from wrapper.sweep.engines import Change, Job
from wrapper.sweep.work import main


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps on this machine start no process for a trial; its trainer is one all the same."""
    monkeypatch.setattr("wrapper.sweep.engines.local.by_slots", lambda slots: _engine)
    monkeypatch.setattr("wrapper.sweep.work.signal.signal", lambda *_: None)


def _engine(jobs: Sequence[Job]) -> Iterator[Change]:
    for job in jobs:
        yield Change(job.trial, "started", "here")
        with job.log.open("a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
            code = main(Path(job.argv[-1]))
        yield Change(job.trial, "ended", "here", code)
