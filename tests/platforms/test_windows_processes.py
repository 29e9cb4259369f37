"""Processes where Windows is played: groups that hear Ctrl-Break, trees that end, pipes that threads read."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.platforms.windows.child import started

TRAINER = """
import pathlib, signal, subprocess, sys, time
def stop(*_):
    pathlib.Path("told").write_text("Ctrl-Break", "utf-8")
    raise SystemExit(3)
if "deaf" in sys.argv:
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # what the pretence calls Ctrl-Break
else:
    signal.signal(signal.SIGQUIT, stop)
if "worker" in sys.argv:
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path("worker").write_text(str(worker.pid), "utf-8")
print("шаг 1/2", flush=True)
if "waits" in sys.argv:
    time.sleep(600)
print("шаг 2/2", end="")
sys.exit(7)
"""
STARTER = """
import pathlib, sys
from wrapper.launch.command import Command
from wrapper.launch.children.process import run

def say(line):
    print(line, flush=True)

try:
    code = run(Command((sys.executable, "trainer.py", *sys.argv[1:]), {"PYTHONUTF8": "1"}), say, grace_s=2)
    say(f"code {code}")
except KeyboardInterrupt:
    say("interrupted")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "мои работы ✓"
    folder.mkdir()
    (folder / "trainer.py").write_text(TRAINER, encoding="utf-8")
    return folder


def launched(folder: Path, words: Sequence[str]) -> subprocess.Popen[str]:
    return started("-c", STARTER, *words, folder=folder, PYTHONUTF8="1")


def test_lines_and_the_exit_code_arrive(folder: Path):
    said, errors = launched(folder, ()).communicate(timeout=60)
    assert said.splitlines() == ["шаг 1/2", "шаг 2/2", "code 7"], errors


def test_what_the_trainer_left_is_ended(folder: Path):
    launched(folder, ["worker"]).communicate(timeout=60)
    assert ended(folder)


@pytest.mark.parametrize("words", [["waits"], ["waits", "deaf", "worker"]], ids=["hears", "deaf"])
def test_an_interrupt_becomes_ctrl_break(folder: Path, words: list[str]):
    child = launched(folder, words)
    assert child.stdout is not None
    assert child.stdout.readline() == "шаг 1/2\n"
    child.send_signal(signal.SIGINT)
    said, errors = child.communicate(timeout=60)
    assert said == "interrupted\n", errors
    assert (folder / "told").is_file() == ("deaf" not in words)
    assert ended(folder)


def ended(folder: Path) -> bool:
    """Whether the worker that the trainer had, if it had one, is gone."""
    note = folder / "worker"
    try:
        return not note.is_file() or _of(note).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _of(note: Path) -> psutil.Process:
    return psutil.Process(int(note.read_text("utf-8")))


def test_a_command_of_a_notebook_speaks_and_is_interrupted(folder: Path):
    (folder / "talks.py").write_text(
        "import sys; print('слово'); print('жалоба', file=sys.stderr); sys.exit(4)", encoding="utf-8"
    )
    code = (
        "from pathlib import Path\nfrom wrapper.notebook.beside import run_beside\n"
        "heard = []\n"
        "code = run_beside('talks', [], Path('.'), heard.append, lambda line: heard.append('! ' + line))\n"
        "print(code, *sorted(heard))\n"
    )
    child = started("-c", code, folder=folder, path=[folder], PYTHONUTF8="1")
    said, errors = child.communicate(timeout=60)
    assert said == "4 ! жалоба слово\n", errors
