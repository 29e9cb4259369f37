"""A trainer that hangs: it is told and asked about, never ended unasked unless that was wished."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from dataset_tools.errors import RunFailed
from tests.launch.test_train import behave, project, record, train
from wrapper.launch.watching.hang import BUSY_LIMITS, LEAST_S, STEPS, HangRule, HangWatch
from wrapper.launch.watching.working import Work, work_of

__all__ = ["behave", "project"]
LIMIT_MIN = 0.04


class Clock:
    """A clock, and what the processes have done, both moved by hand."""

    def __init__(self) -> None:
        self.now, self.done = 1000.0, Work()

    def watch(self, rule: HangRule) -> HangWatch:
        return HangWatch(rule, now=lambda: self.now, work=lambda _: self.done)

    def silences(self, watch: HangWatch, seconds: int, work_each_s: Work) -> list[float]:
        """After how many seconds each silence is told."""
        found = []
        for second in range(1, seconds + 1):
            self.now += 1
            self.done = Work(self.done.cpu_s + work_each_s.cpu_s, self.done.moved + work_each_s.moved)
            if watch.tick(1) is not None:
                found.append(second)
        return found


IDLE, COMPUTING, LOADING = Work(0.001), Work(0.9), Work(0.001, 1 << 20)


@pytest.mark.parametrize(
    ("work", "told"),
    [(IDLE, [100, 200]), (COMPUTING, [100 * BUSY_LIMITS]), (LOADING, [100 * BUSY_LIMITS])],
    ids=["idle", "computing", "loading"],
)
def test_who_works_in_silence_is_given_longer(work: Work, told: list[int]):
    clock = Clock()
    watch = clock.watch(HangRule(100))
    assert clock.silences(watch, told[-1], work) == told


def test_a_word_begins_the_silence_anew():
    clock = Clock()
    watch = clock.watch(HangRule(100))
    assert clock.silences(watch, 99, IDLE) == []
    watch.heard(0)
    assert clock.silences(watch, 99, IDLE) == []
    assert clock.silences(watch, 1, IDLE) == [1]


def test_zero_is_never():
    clock = Clock()
    assert clock.silences(clock.watch(HangRule(0)), 10_000, IDLE) == []


def test_the_limit_comes_of_the_pace_and_is_never_short():
    clock = Clock()
    watch = clock.watch(HangRule())
    assert watch.limit_s == LEAST_S
    for step in range(1, 8):
        clock.now += 60
        watch.heard(step)
    assert watch.limit_s == STEPS * 60
    for step in range(8, 30):
        clock.now += 1
        watch.heard(step)
    assert watch.limit_s == LEAST_S


def test_the_work_of_a_process_and_of_those_below_it_is_counted():
    code = "sum(range(10**7)); import sys; print(1, flush=True); sys.stdin.read()"
    argv = ["sh", "-c", f'"{sys.executable}" -c "{code}"; true']
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"1\n"
        assert work_of(child.pid).cpu_s > 0.02
        child.stdin.close()
    assert work_of(child.pid) == Work()


def test_without_a_terminal_it_is_said_once_and_the_run_goes_on(project, behave, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_SILENT_S", "6")
    behave("stuck")
    assert train(project, hang_limit=LIMIT_MIN).is_file()
    said = capsys.readouterr().err
    assert said.count("nothing was heard of it for") == 1
    assert "since step 3; its processes are idle" in said
    told = record(project)
    assert told["status"] == "succeeded"
    assert len(told["notices"]) == 1
    assert "No state is saved yet." in told["notices"][0]
    assert "nothing was heard of it" in project.paths.run("stage_a").log.read_text(encoding="utf-8")


def test_who_works_in_silence_is_not_talked_about(project, behave, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_SILENT_S", "4")
    monkeypatch.setenv("FAKE_BUSY", "1")
    behave("stuck")
    assert train(project, hang_limit=LIMIT_MIN).is_file()
    assert "nothing was heard" not in capsys.readouterr().err


def test_it_is_ended_where_that_was_wished_and_goes_on_later(project, behave):
    behave("stuck")
    with pytest.raises(RunFailed, match="The trainer hung at step 3, and was ended") as failure:
        train(project, hang_limit=LIMIT_MIN, end_hung=True)
    assert "No state was saved yet: the stage begins anew." in failure.value.hint
    told = record(project)
    assert (told["status"], told["cut_off"], told["faults"]) == ("failed", True, ["the trainer hung"])


AT_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from pathlib import Path
from dataset_tools.errors import RunFailed
from wrapper.launch import train
from wrapper.project.load import load_project
try:
    made = train.train(load_project(Path(sys.argv[1])), "stage_a", engine="sd-scripts", device="cpu",
                       hang_limit=float(sys.argv[2]))
    print("made", made.is_file())
except RunFailed as failure:
    print("failed:", failure.message.splitlines()[0])
"""


class Terminal:
    """A training at a terminal of its own."""

    def __init__(self, root: str) -> None:
        self.ours, theirs = os.openpty()
        argv = [sys.executable, "-c", AT_A_TERMINAL, root, str(LIMIT_MIN)]
        env = {**os.environ, "PYTHONUTF8": "1", "COLUMNS": "250", "TERM": "xterm"}
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        self.process = subprocess.Popen(argv, env=env, start_new_session=True, **streams)
        os.close(theirs)
        self.seen = ""

    def read_until(self, words: str, limit_s: float = 60) -> None:
        end = time.monotonic() + limit_s
        while words not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.ours], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.ours, 4096).decode("utf-8", "replace")
                except OSError:  # Linux says so when the other end is closed
                    assert words in self.seen, self.seen

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())


@pytest.fixture
def terminal(project, behave, monkeypatch) -> Iterator[Terminal]:
    if sys.platform == "win32":
        pytest.skip("pseudo terminals are POSIX's")
    monkeypatch.setenv("FAKE_SILENT_S", "600")
    behave("stuck")
    opened = Terminal(str(project.paths.root))
    yield opened
    opened.process.terminate()
    opened.process.wait()
    os.close(opened.ours)


def test_at_a_terminal_it_is_asked_and_ended_by_an_answer(terminal: Terminal, project):
    terminal.read_until("e and Enter ends it")
    terminal.type("w\n")
    terminal.read_until("Waiting on")
    terminal.seen = ""
    terminal.read_until("e and Enter ends it")
    terminal.type("e\n")
    terminal.read_until("failed: stage_a: The trainer hung at step 3")
    assert json.loads(project.paths.run("stage_a").record.read_text())["cut_off"] is True


def test_the_question_is_withdrawn_when_the_trainer_wakes(project, behave, monkeypatch):
    monkeypatch.setenv("FAKE_SILENT_S", "5")
    behave("stuck")
    opened = Terminal(str(project.paths.root))
    try:
        opened.read_until("e and Enter ends it")
        opened.read_until("the question is withdrawn")
        opened.read_until("made True")
    finally:
        opened.process.terminate()
        opened.process.wait()
        os.close(opened.ours)
