"""Jobs that run `fake_trial`, and what it has written down."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.sweep import fake_trial
from wrapper.sweep.engines import Change, Job

SCRIPT = str(Path(fake_trial.__file__))
WAIT_S = 60.0


class Start(NamedTuple):
    step: int
    pids: tuple[int, ...]
    trial: str
    gpu: str


def fake_job(folder: Path, name: str, steps: int, exit_code: int = 0) -> Job:
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    argv = (sys.executable, SCRIPT, str(place), str(steps), str(exit_code))
    return Job(name, argv, {"TRIAL": name}, place / "log.txt")


def held(job: Job, file: Path) -> Job:
    """The same job, which does not end before ``file`` is gone."""
    file.touch()
    return job._replace(env={**job.env, "HOLD": str(file)})


def starts(job: Job) -> list[Start]:
    path = job.log.parent / "starts"
    rows = [line.split("|") for line in path.read_text().splitlines()] if path.exists() else []
    return [Start(int(row[0]), (int(row[1]), int(row[2])), row[3], row[4]) for row in rows]


def steps_done(job: Job) -> int:
    path = job.log.parent / "step"
    return int(path.read_text()) if path.exists() else 0


def was_interrupted(job: Job) -> bool:
    """Whether it was asked to end, and not just killed."""
    return (job.log.parent / "interrupted").exists()


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def nothing_is_left(job: Job) -> bool:
    return not any(is_alive(pid) for start in starts(job) for pid in start.pids)


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, "it has not come about"
        time.sleep(0.05)


def ends(changes: Iterator[Change]) -> dict[str, int | None]:
    """The exit code of each trial; one has only one."""
    found: dict[str, int | None] = {}
    for change in changes:
        if change.kind == "ended":
            assert change.trial not in found
            found[change.trial] = change.exit_code
    return found
