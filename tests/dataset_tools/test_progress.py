"""Progress elsewhere than on a terminal: few lines, an honest pace."""

from __future__ import annotations

import pytest

from dataset_tools import progress as module
from dataset_tools.progress import _PlainBar, clock, progress, track


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_the_pace_leaves_out_what_was_before_the_first_step(time: list[float]):
    bar = _PlainBar("stage_a", 100)
    time[0] = 60.0
    bar.advance(50)
    time[0] = 70.0
    bar.advance(10)
    assert bar.line(time[0]) == "stage_a: 60/100, about 0:40 left"


def test_without_a_pace_nothing_is_foretold(time: list[float]):
    assert _PlainBar("qc", 3).line(5.0) == "qc: 0/3"


def test_lines_come_seldom_and_at_the_end(time: list[float], capsys: pytest.CaptureFixture[str]):
    with progress("build", 50) as bar:
        for _ in range(50):
            time[0] += 1.0
            bar.advance(note="ear")
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "build: 50/50, done in 0:50, ear"
    assert len(lines) == 5


def test_items_come_through_and_are_counted(capsys: pytest.CaptureFixture[str]):
    assert list(track("abc", "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err.startswith("letters: 3/3, done in")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (75.9, "1:15"), (3675, "1:01:15")])
def test_a_clock_reads_as_people_write_it(seconds: float, text: str):
    assert clock(seconds) == text
