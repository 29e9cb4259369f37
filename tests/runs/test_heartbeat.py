"""A run of another machine is judged by whether it still counts, not by clocks."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.project.layout import ProjectPaths, RunPaths
from wrapper.runs import heartbeat
from wrapper.runs.heartbeat import BEAT_S, FILE, Heart, is_silent, refuse_if_alive
from wrapper.runs.listing import duration_s
from wrapper.runs.record import read_record, runs_elsewhere, status_of


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(heartbeat, "_GLANCE_S", 0.02)


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    """A run that says it runs on another machine."""
    run = ProjectPaths(tmp_path / "проект 🙂").run("stage_a")
    run.folder.mkdir(parents=True)
    told = {"status": "running", "process": {"pid": 7, "host": "another", "started": "x 1"}}
    run.record.write_text(json.dumps(told), encoding="utf-8")
    return run


def test_a_heart_beats_now_and_then_and_stops(run: RunPaths):
    clock = [100.0]
    heart = Heart(run, now=lambda: clock[0])
    seen = []
    for _ in range(4):
        heart.tick()
        seen.append((run.folder / FILE).read_text(encoding="utf-8"))
        clock[0] += BEAT_S / 2
    assert seen == ["1\n", "1\n", "2\n", "2\n"]
    heart.stop()
    assert not (run.folder / FILE).exists()


def test_a_heart_that_cannot_write_ends_no_run(run: RunPaths):
    (run.folder / FILE).mkdir()
    Heart(run).tick()


def test_who_counts_on_lives(run: RunPaths):
    assert runs_elsewhere(read_record(run.record))
    heart = Heart(run)
    heart.tick()
    heart.beaten -= BEAT_S
    timer = threading.Timer(0.05, heart.tick)
    timer.start()
    with pytest.raises(UserError, match=r"stage_a-001 runs now \(process 7 on another\)"):
        refuse_if_alive(run, look_s=20)
    timer.join()


def test_who_is_silent_is_gone(run: RunPaths):
    Heart(run).tick()
    assert is_silent(run, look_s=0.1)
    refuse_if_alive(run, look_s=0.1)


def test_a_number_that_went_to_another_program_runs_nothing():
    process = {"pid": os.getpid(), "host": socket.gethostname(), "started": "another boot 1"}
    assert status_of({"status": "running", "process": process}) == "died"
    assert status_of({"status": "running", "process": {"pid": os.getpid()}}) == "running"
    assert status_of({"status": "running"}) == "died"


def test_a_clock_that_was_set_back_makes_no_negative_time():
    backwards = {"started": "2026-01-02T00:00:00+00:00", "ended": "2026-01-01T00:00:00+00:00"}
    forwards = {"started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:00+00:00"}
    assert duration_s({"segments": [backwards]}) is None
    assert duration_s({"segments": [backwards, forwards]}) == 60
