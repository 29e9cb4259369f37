"""A child in a group of its own: lines, exit codes, signals, and nobody left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

import psutil
import pytest

from dataset_tools.errors import UserError
from wrapper.launch.children.process import Lines, run
from wrapper.launch.command import Command

FORKS = """
import os, signal, sys, time
worker = os.fork()
{ignore}
if worker:
    print("pids", os.getpid(), worker, flush=True)
while True:
    time.sleep(0.1)
"""
IGNORE_ALL = "[signal.signal(kind, signal.SIG_IGN) for kind in (signal.SIGINT, signal.SIGTERM)]"


def python(code: str, **env: str) -> Command:
    return Command((sys.executable, "-c", code), env)


def wait_until_gone(pids: list[int]) -> None:
    """A killed process is gone when it is reaped; who is nobody's child any more is reaped by init."""
    alive = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    left = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    _, left = psutil.wait_procs(left, timeout=20)
    assert left == []


def test_lines_end_at_newlines_and_at_carriage_returns_and_letters_may_be_cut():
    found = []
    lines = Lines(found.append)
    for byte in "a 🙂\r\rb\nлиния\r\nend".encode():
        lines.feed(bytes([byte]))
    lines.feed(b"", final=True)
    assert found == ["a 🙂", "b", "линия", "end"]


def test_both_outputs_and_the_environment_arrive(tmp_path):
    found = []
    code = "import os, sys; print(os.environ['WORD'], flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert run(python(code, WORD="it's 🙂", PYTHONUTF8="1"), found.append) == 3
    assert found == ["it's 🙂", "err"]


def test_a_program_that_is_not_there_is_a_user_error():
    with pytest.raises(UserError, match="cannot be started"):
        run(Command(("/no/such/python",), {}), print)


@pytest.fixture
def _at_a_terminal():
    """SIGHUP is heeded, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_at_a_terminal")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda kind: kind.name)
@pytest.mark.parametrize("ignore", ["", IGNORE_ALL], ids=["obedient", "stubborn"])
def test_a_signal_ends_child_and_grandchild(kind, ignore):
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.extend(map(int, line.split()[1:]))
        threading.Thread(target=os.kill, args=(os.getpid(), kind)).start()

    with pytest.raises(KeyboardInterrupt):
        run(python(FORKS.format(ignore=ignore)), on_line, grace_s=0.5)
    assert len(pids) == 2
    wait_until_gone(pids)


def test_a_child_of_a_background_job_heeds_interrupts():
    """A shell makes background jobs ignore SIGINT, which children inherit."""
    found = []
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run(python("import signal; print(signal.getsignal(signal.SIGINT).__name__)"), found.append)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert found == ["default_int_handler"]


def test_a_run_under_nohup_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(python("print(1)"), lambda _: os.kill(os.getpid(), signal.SIGHUP)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signal_handlers_are_as_before():
    before = [signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    run(python("pass"), print)
    assert [signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_worker_that_outlives_its_trainer_is_ended_and_does_not_hold_us():
    code = f"""
import os, signal, sys, time
worker = os.fork()
if worker == 0:
    {IGNORE_ALL}
    while True:
        time.sleep(1)
print("pid", worker, flush=True)
os._exit(0)
"""
    pids: list[int] = []
    assert run(python(code), lambda line: pids.append(int(line.split()[1]))) == 0
    wait_until_gone(pids)


LAUNCHER = """
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", {code!r}], start_new_session=True)
print("pid", worker.pid, flush=True)
{end}
"""
STUBBORN = f"import signal, time; {IGNORE_ALL}; time.sleep(600)"


@pytest.mark.parametrize("end", ["sys.exit(0)", "time.sleep(600)"], ids=["after the end", "on Ctrl-C"])
def test_a_worker_in_a_session_of_its_own_is_ended(end):
    """torch's launcher starts one for each GPU so: a signal to the group does not reach them."""
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.append(int(line.split()[1]))
        if "sleep" in end:
            threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    with suppress(KeyboardInterrupt):
        run(python(LAUNCHER.format(code=STUBBORN, end=end)), on_line, grace_s=0.5)
    assert len(pids) == 1
    wait_until_gone(pids)


NESTED = """
import os, signal
from wrapper.launch.command import Command
from wrapper.launch.children.process import run

def on_line(line):
    print(line, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

run(Command({argv!r}, {{}}), on_line)
"""


def test_what_a_killed_child_had_started_in_the_same_way_is_ended():
    """A trial of a sweep starts its trainer so: each has a mark, and the trainer has both."""
    code = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
    pids: list[int] = []
    nested = NESTED.format(argv=python(code).argv)
    assert run(python(nested), lambda line: pids.append(int(line.split()[1]))) == -signal.SIGKILL
    assert len(pids) == 1
    wait_until_gone(pids)


def test_a_fault_in_the_callback_ends_the_child_too():
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.extend(map(int, line.split()[1:]))
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run(python(FORKS.format(ignore="")), on_line, grace_s=0.5)
    wait_until_gone(pids)
