"""Nobody goes on alone: what ``lorawrap`` started ends with it, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
LORAWRAP = """
import sys
from wrapper.launch.command import Command
from wrapper.launch.children.process import run
run(Command((sys.executable, "-c", sys.argv[1]), {}), lambda line: print(line, flush=True), grace_s=0.5)
"""
TRAINER = """
import os, subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", {worker!r}], start_new_session={own_session})
print("pids", os.getpid(), worker.pid, flush=True)
time.sleep(600)
"""
SILENT = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; [signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM)]; "
    "time.sleep(600)"
)


@pytest.fixture
def started() -> Iterator[list[psutil.Process]]:
    """Filled by `start`; whoever is left of them after the test is killed."""
    found: list[psutil.Process] = []
    yield found
    for process in found:
        if process.is_running():
            process.kill()


def start(found: list[psutil.Process], worker: str, *, own_session: bool = True) -> subprocess.Popen[str]:
    """A process that runs a trainer as ``lorawrap train`` does, a silent one that has a worker."""
    lorawrap = subprocess.Popen(
        [sys.executable, "-c", LORAWRAP, TRAINER.format(worker=worker, own_session=own_session)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert lorawrap.stdout is not None
    pids = map(int, lorawrap.stdout.readline().split()[1:])
    found += [psutil.Process(lorawrap.pid), *map(psutil.Process, pids)]
    found += [one for one in found[0].children(recursive=True) if one not in found]
    return lorawrap


@pytest.mark.parametrize("worker", [SILENT, STUBBORN], ids=["silent", "stubborn"])
@pytest.mark.parametrize("own_session", [False, True], ids=["in the group", "in a session of its own"])
def test_a_trainer_ends_when_lorawrap_is_killed(
    started: list[psutil.Process], worker: str, own_session: bool
):
    lorawrap = start(started, worker, own_session=own_session)
    assert len(started) == 4, "lorawrap, the trainer, its worker and the guardian"
    lorawrap.kill()
    lorawrap.communicate(timeout=60)
    assert gone(started)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda kind: kind.name)
def test_a_signal_leaves_nobody_either(started: list[psutil.Process], kind: signal.Signals):
    lorawrap = start(started, STUBBORN)
    os.kill(lorawrap.pid, kind)
    lorawrap.communicate(timeout=60)
    assert gone(started)


def test_a_killed_guardian_costs_nothing(started: list[psutil.Process]):
    lorawrap = start(started, SILENT)
    guardian = next(one for one in started if "stand_guard" in " ".join(one.cmdline()))
    guardian.kill()
    os.kill(lorawrap.pid, signal.SIGTERM)
    lorawrap.communicate(timeout=60)
    assert gone(started)


def gone(found: list[psutil.Process]) -> bool:
    """Whether none of them is there any more, or soon will be."""
    there = [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    return psutil.wait_procs(there, timeout=20)[1] == []
