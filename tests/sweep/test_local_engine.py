"""Trials on this machine: so many at once as there are slots, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.sweep.fake_jobs import ends, fake_job, nothing_is_left, starts, steps_done, wait_until
from wrapper.sweep.engines import Job
from wrapper.sweep.engines.local import Slot, by_slots
from wrapper.sweep.engines.slots import slots

GPUS = [Slot(f"GPU {name}", {"CUDA_VISIBLE_DEVICES": name}) for name in ("2", "GPU-ухо")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "свип 'q' \"é\" 🙂"


def test_each_slot_runs_one_at_a_time_and_takes_the_next(folder: Path):
    jobs = [fake_job(folder, f"{number:03d}", 3, exit_code=number % 3) for number in range(5)]
    running: dict[str, list[str]] = defaultdict(list)
    codes = {}
    for change in by_slots(GPUS)(jobs):
        if change.kind == "started":
            assert running[change.where] == []
            running[change.where].append(change.trial)
        else:
            running[change.where].remove(change.trial)
            codes[change.trial] = change.exit_code
    assert codes == {"000": 0, "001": 1, "002": 2, "003": 0, "004": 1}
    assert [start.gpu for job in jobs for start in starts(job)][:2] == ["2", "GPU-ухо"]
    assert {start.gpu for job in jobs for start in starts(job)} == {"2", "GPU-ухо"}
    assert "step 3" in jobs[0].log.read_text(encoding="utf-8")
    assert all(nothing_is_left(job) for job in jobs)


def test_an_output_is_added_to_the_log(folder: Path):
    job = fake_job(folder, "001", 1)
    job.log.write_text("before\n", encoding="utf-8")
    assert ends(by_slots([Slot("CPU", {})])([job])) == {"001": 0}
    assert job.log.read_text(encoding="utf-8").startswith("before\nstep 1\n")


def test_closing_ends_every_trial_and_starts_no_more(folder: Path):
    jobs = [fake_job(folder, name, 10_000) for name in ("a", "b", "c")]
    with closing(by_slots(GPUS)(jobs)) as changes:
        assert [next(changes).trial, next(changes).trial] == ["a", "b"]
        wait_until(lambda: steps_done(jobs[0]) > 0 and steps_done(jobs[1]) > 0)
    assert all(nothing_is_left(job) for job in jobs)
    assert starts(jobs[2]) == []


SWEEP = """
import sys
from pathlib import Path
from tests.sweep.fake_jobs import fake_job
from wrapper.sweep.engines.local import Slot, by_slots

jobs = [fake_job(Path(sys.argv[1]), name, 10_000) for name in ("a", "b")]
for change in by_slots([Slot("1", {}), Slot("2", {})])(jobs):
    print(change, flush=True)
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda kind: kind.name)
def test_a_sweep_that_is_ended_from_outside_leaves_nobody(folder: Path, kind: signal.Signals):
    handled = "import signal; signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
    argv = [sys.executable, "-c", handled + SWEEP, str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sweep:
        jobs = [fake_job(folder, name, 10_000) for name in ("a", "b")]
        wait_until(lambda: all(steps_done(job) > 0 for job in jobs))
        sweep.send_signal(kind)
        sweep.wait()
    wait_until(lambda: all(nothing_is_left(job) for job in jobs))


def test_what_a_killed_trial_has_started_is_ended(folder: Path):
    job = fake_job(folder, "a", 10_000)
    changes = by_slots([Slot("CPU", {})])([job])
    assert next(changes).kind == "started"
    wait_until(lambda: steps_done(job) > 0)
    os.kill(starts(job)[0].pids[0], signal.SIGKILL)
    (end,) = changes
    assert end.exit_code not in (0, None)
    assert nothing_is_left(job)


def test_a_program_that_cannot_start_ends_its_trial_alone(folder: Path):
    bad = Job("bad", ("/нет такой программы",), {}, folder / "bad" / "log.txt")
    assert ends(by_slots([Slot("CPU", {})])([bad, fake_job(folder, "good", 1)])) == {"bad": 127, "good": 0}
    assert "нет такой программы" in bad.log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("seen", "asked", "wheres", "names"),
    [
        (None, {}, ["GPU 0"], ["0"]),
        (None, {"gpus": "all"}, ["GPU 0", "GPU 1", "GPU 2"], ["0", "1", "2"]),
        (None, {"gpus": "2"}, ["GPU 0", "GPU 1"], ["0", "1"]),
        (None, {"gpus": "0,2"}, ["GPU 0", "GPU 2"], ["0", "2"]),
        ("5,GPU-b,7", {"gpus": "1,2"}, ["GPU GPU-b", "GPU 7"], ["GPU-b", "7"]),
        (
            None,
            {"gpus": "2", "per_gpu": 2},
            ["GPU 0 (1 of 2)", "GPU 1 (1 of 2)", "GPU 0 (2 of 2)", "GPU 1 (2 of 2)"],
            ["0", "1", "0", "1"],
        ),
    ],
    ids=str,
)
def test_gpus_are_told_to_trials_by_the_names_that_the_system_has(monkeypatch, seen, asked, wheres, names):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if seen:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    found = slots(3, **asked)
    assert [slot.where for slot in found] == wheres
    assert [slot.env["CUDA_VISIBLE_DEVICES"] for slot in found] == names


def test_trials_on_processors_share_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("wrapper.sweep.engines.slots.cpu_threads", lambda: 7)
    assert [slot.env for slot in slots(0, at_once=3)] == [{"OMP_NUM_THREADS": "2"}] * 3
    assert slots(0) == [Slot("CPU", {})]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert [slot.env for slot in slots(0, at_once=2)] == [{}, {}]


@pytest.mark.parametrize(
    ("visible", "asked", "said"),
    [
        (0, {"gpus": "all"}, "--gpus all: there is no GPU here"),
        (0, {"per_gpu": 2}, "--per-gpu 2: there is no GPU here"),
        (2, {"at_once": 2}, "--at-once is for processors"),
        (2, {"gpus": "0,2"}, "2 GPUs are there"),
        (2, {"gpus": "x"}, "expected a number"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told(visible, asked, said):
    with pytest.raises(UserError, match=said):
        slots(visible, **asked)
