"""Worker processes: one that dies or hangs over a file costs that file, and nothing else."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from dataset_tools.errors import RunFailed
from dataset_tools.pictures.images import save_png
from dataset_tools.quality.engines import processes, worker
from dataset_tools.quality.engines.processes import by_processes, worker_count
from dataset_tools.quality.measuring import Measured, Task, measure_file
from tests.dataset_tools.spoiled import astronaut

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals")


def odd_measure(task: Task) -> Measured:
    """What a file's name says: the worker is killed, crashes, exits, hangs, has a fault, or measures."""
    kind = task.path.stem.split(" ")[-1]
    once = task.path.with_suffix(".seen")
    if kind == "killed" or (kind == "once" and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        signal.pause()
    if kind == "fault":
        raise ZeroDivisionError("a fault of ours")
    return measure_file(task)


def odd_serve(connection, limit_s: float) -> None:
    worker.measure_file = odd_measure
    worker.serve(connection, limit_s)


def dying_serve(connection, limit_s: float) -> None:
    os._exit(3)


def results(folder: Path, names: list[str], count: int, limit_s: float = 60.0) -> dict[str, Measured]:
    for name in names:
        save_png(folder / f"{name}.png", astronaut()[:64, :64])
    tasks = (Task(place, folder / f"{name}.png") for place, name in enumerate(names))
    found = list(by_processes(count, limit_s)(tasks))
    assert len(found) == len(names)
    return {task.path.stem: measured for task, measured in found}


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "serve", odd_serve)


def error(measured: Measured) -> str:
    assert measured.facts is not None
    return measured.facts.error


@pytest.mark.parametrize("count", [1, 3])
def test_a_file_that_ends_its_process_costs_one_row(tmp_path, odd, count):
    names = ["a", "1 killed", "b", "c", "2 crash", "3 crash", "d", "e", "f", "4 killed"]
    found = results(tmp_path, names, count)
    assert {name: error(found[name]) for name in names if error(found[name])} == {
        "1 killed": "ended the process that read it (SIGKILL)",
        "2 crash": "ended the process that read it (SIGSEGV)",
        "3 crash": "ended the process that read it (SIGSEGV)",
        "4 killed": "ended the process that read it (SIGKILL)",
    }
    assert all(found[name] == measure_file(Task(0, tmp_path / f"{name}.png")) for name in "abcdef")


def test_a_worker_that_was_killed_by_chance_costs_nothing(tmp_path, odd):
    assert error(results(tmp_path, ["a", "b once", "c"], 1)["b once"]) == ""


def test_a_file_that_hangs_is_given_up(tmp_path, odd):
    found = results(tmp_path, ["a", "b hang", "c"], 1, limit_s=1.5)
    assert error(found["b hang"]) == "took more than 1.5 seconds"
    assert error(found["a"]) == error(found["c"]) == ""


def test_a_fault_of_ours_keeps_its_traceback(tmp_path, odd):
    with pytest.raises(worker.WorkerFault, match=r"1 fault\.png(.|\n)*ZeroDivisionError: a fault of ours"):
        results(tmp_path, ["a", "1 fault"], 1)


def test_workers_that_cannot_start_end_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "serve", dying_serve)
    with pytest.raises(RunFailed, match=r"could not start \(exit code 3\)"):
        results(tmp_path, ["a", "b"], 2)


def test_no_process_is_left_when_the_run_is_left(tmp_path):
    for number in range(8):
        save_png(tmp_path / f"{number}.png", astronaut())
    running = by_processes(2)(Task(number, tmp_path / f"{number}.png") for number in range(8))
    next(running)
    ours = psutil.Process().children()
    running.close()
    assert not [one for one in ours if one.is_running() and "spawn_main" in " ".join(one.cmdline())]


def test_few_files_get_few_processes(monkeypatch):
    monkeypatch.setattr(processes, "usable", lambda: 32)
    assert [worker_count(files) for files in (1, 15, 16, 10_000)] == [1, 1, 2, 8]
