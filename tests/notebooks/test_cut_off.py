"""What a machine that is gone has left, told from what another one is at."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

import pytest

from wrapper.notebook import cut_off
from wrapper.notebook.cut_off import SILENT_S, end_cut_off
from wrapper.notebook.stop import Stop
from wrapper.project.layout import ProjectPaths
from wrapper.runs.heartbeat import is_silent


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut_off, "is_silent", lambda run: is_silent(run, look_s=0.02))


def job(root: Path, host: str, silent_s: float = 0) -> ProjectPaths:
    paths = ProjectPaths(root)
    run = paths.run("stage_a")
    run.folder.mkdir(parents=True)
    run.record.write_text(json.dumps({"status": "running", "process": {"pid": os.getpid(), "host": host}}))
    lock = paths.cache / "locks" / "stage_a"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"host": host, "pid": 1}))
    for path in (run.record, lock):
        os.utime(path, (time.time() - silent_s,) * 2)
    return paths


def status(paths: ProjectPaths) -> str:
    return json.loads(paths.run("stage_a").record.read_text(encoding="utf-8"))["status"]


def test_a_machine_that_may_be_there_is_left_in_peace(tmp_path: Path):
    paths = job(tmp_path, "another")
    with pytest.raises(Stop, match="stage_a-001 seems to be running on another machine"):
        end_cut_off(paths)
    assert status(paths) == "running"


@pytest.mark.parametrize(("silent_s", "surely"), [(0, True), (SILENT_S + 60, False)])
def test_a_machine_that_is_gone_gives_way(tmp_path: Path, silent_s: float, surely: bool):
    paths = job(tmp_path, "another", silent_s)
    assert end_cut_off(paths, surely=surely) == ["stage_a-001"]
    assert status(paths) == "interrupted"
    assert (paths.cache / "locks" / "stage_a").read_bytes() == b""


def test_this_machine_s_own_runs_stay(tmp_path: Path):
    paths = job(tmp_path, platform.node(), SILENT_S + 60)
    assert end_cut_off(paths, surely=True) == []
    assert status(paths) == "running"
    assert (paths.cache / "locks" / "stage_a").read_bytes()
