"""A sweep's project goes away with its drive: its trials leave nothing in the empty place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from dataset_tools.system.ground import working_in
from tests.sweep.fake_jobs import fake_job, is_alive, starts, steps_done, wait_until
from tests.sweep.made_sweeps import Made, make_sweep
from wrapper.sweep.engines import Change
from wrapper.sweep.engines.local import Slot, by_slots
from wrapper.sweep.trials import Sweep
from wrapper.sweep.work import main


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return make_sweep(tmp_path / "диск 'é' 🙂", [Made({"stage_b.kohya.network_dim": 4}, status="waiting")])


def pull_out(sweep: Sweep) -> None:
    sweep.project.rename(sweep.project.with_name("away"))


def _lost(sweep: Sweep, changes: Iterator[Change]) -> None:
    """The trial that runs fails for want of its folder, and the next one is to be begun."""
    pull_out(sweep)
    list(changes)


def test_a_trial_whose_drive_is_gone_says_so_and_makes_nothing(sweep: Sweep, monkeypatch, capsys):
    def lost(*_: object) -> None:
        pull_out(sweep)
        raise OSError("what was missed first")

    monkeypatch.setattr("wrapper.sweep.work.read_sweep", lambda _: SimpleNamespace(sweep=sweep))
    monkeypatch.setattr("wrapper.sweep.work.signal.signal", lambda *_: None)
    monkeypatch.setattr("wrapper.sweep.work._train", lost)
    assert main(sweep.trials[0].folder) == 2
    said = capsys.readouterr().err
    assert f"What was there is not there any more (No such file or directory): {sweep.project}" in said
    assert "Where its drive was taken away, bring it back" in said
    assert not sweep.project.exists()


def test_no_trial_is_begun_where_a_drive_was(sweep: Sweep):
    jobs = [fake_job(sweep.project / "sweeps", name, 10_000) for name in ("a", "b")]
    changes = by_slots([Slot("CPU", {})])(jobs)
    assert next(changes).trial == "a"
    wait_until(lambda: steps_done(jobs[0]) > 0)
    pids = starts(jobs[0])[0].pids
    with pytest.raises(FileNotFoundError, match=sweep.project.name), working_in(sweep.project):
        _lost(sweep, changes)
    assert not sweep.project.exists()
    assert not any(is_alive(pid) for pid in pids)
