"""Two commands at once on one project: who is there is named, and nobody is there for ever."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.cli.main import run
from wrapper.project import lock
from wrapper.project.lock import held

HOLD = """
import sys, time
from pathlib import Path
from wrapper.project.lock import held
with held(Path(sys.argv[1]), "lorawrap train", writes=sys.argv[2].split(), reads=sys.argv[3].split()):
    print("held", flush=True)
    time.sleep(120)
"""


@contextmanager
def another(
    folder: Path, *, writes: Sequence[str] = (), reads: Sequence[str] = ()
) -> Iterator[subprocess.Popen]:
    """A process that holds these parts."""
    argv = [sys.executable, "-c", HOLD, str(folder), " ".join(writes), " ".join(reads)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "проект 'é' 🙂" / ".lorawrap"


def test_the_one_that_is_there_is_named(folder: Path):
    with another(folder, writes=["stage_a"], reads=["dataset"]) as process:
        said = rf"`lorawrap train` is at work on its dataset \(process {process.pid}, since 20"
        with pytest.raises(UserError, match=said), held(folder, "lorawrap build", writes=["dataset"]):
            pass
        with held(folder, "lorawrap evaluate", writes=["evaluation"], reads=["dataset"]):
            pass


SLOW = """
import sys
from wrapper.project import lock
note = lock._note
def when_told(*given, **how):
    print("taken", flush=True)
    sys.stdin.readline()
    note(*given, **how)
lock._note = when_told
"""


@pytest.mark.parametrize("noted", ["", "a dead process"])
def test_who_took_it_in_this_moment_is_waited_for(folder: Path, noted: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "NOTED_S", 60)
    (folder / "locks").mkdir(parents=True)
    note = {"host": socket.gethostname(), "pid": 1 << 22, "command": noted}
    (folder / "locks" / "qc").write_text(json.dumps(note) if noted else "", encoding="utf-8")
    argv = [sys.executable, "-c", SLOW + HOLD, str(folder), "qc", ""]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        wait, told = time.sleep, iter(["now\n"])

        def let_it_note(seconds: float) -> None:
            for word in told:
                print(word, file=process.stdin, flush=True)
            wait(seconds)

        monkeypatch.setattr(lock.time, "sleep", let_it_note)
        with pytest.raises(
            UserError, match=rf"`lorawrap train` is at work on its qc \(process {process.pid}"
        ):
            _take(folder, "qc")
        process.kill()


def _take(folder: Path, part: lock.Part) -> None:
    with held(folder, "lorawrap build", writes=[part]):
        pass


def test_who_never_notes_itself_is_another_command(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "NOTED_S", 0.05)
    with another(folder, writes=["qc"]):
        (folder / "locks" / "qc").write_bytes(b"")
        with pytest.raises(UserError, match="another command is at work on its qc"):
            _take(folder, "qc")


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_ends_with_its_process(folder: Path, kind: signal.Signals):
    with another(folder, writes=["stage_a"]) as process:
        process.send_signal(kind)
        process.wait()
        with held(folder, "lorawrap train", writes=["stage_a"]):
            pass


def test_what_was_taken_before_the_refusal_is_given_back(folder: Path):
    with another(folder, writes=["stage_b"]):
        with pytest.raises(UserError), held(folder, "lorawrap run", writes=lock.PARTS):
            pass
        with another(folder, writes=["qc", "dataset", "stage_a"]):
            pass


@pytest.mark.parametrize("note", [b"", b"{}", b"\xff not json", b'{"pid": 1}', b"[1, 2]"])
def test_a_note_that_cannot_be_read_is_no_obstacle(folder: Path, note: bytes):
    (folder / "locks").mkdir(parents=True)
    (folder / "locks" / "qc").write_bytes(note)
    with held(folder, "lorawrap qc", writes=["qc"]):
        pass


def no_locks(*_: object) -> None:
    raise OSError(lock.errno.ENOTSUP, "not supported")


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_on_a_drive_without_locks_the_note_counts(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fcntl.flock", no_locks)
    with another(folder, writes=["qc"]) as process:
        with (
            pytest.raises(UserError, match=f"process {process.pid}"),
            held(folder, "lorawrap qc", writes=["qc"]),
        ):
            pass
        process.kill()
        process.wait()
        with held(folder, "lorawrap qc", writes=["qc"]):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_process_number_that_went_to_another_program_holds_nothing(folder: Path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", no_locks)
    (folder / "locks").mkdir(parents=True)
    note = {
        "host": socket.gethostname(),
        "pid": os.getppid(),
        "started": 1.0,
        "command": "x",
        "since": "",
    }
    (folder / "locks" / "qc").write_text(json.dumps(note), encoding="utf-8")
    with held(folder, "lorawrap qc", writes=["qc"]):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_machine_that_is_gone_can_be_told_to_be(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fcntl.flock", no_locks)
    place = folder / "locks" / "qc"
    place.parent.mkdir(parents=True)
    note = {"host": "another machine", "pid": 1, "started": 1.0, "command": "lorawrap qc", "since": "then"}
    place.write_text(json.dumps(note), encoding="utf-8")
    with pytest.raises(UserError, match="on another machine") as caught, held(folder, "x", writes=["qc"]):
        pass
    assert f"remove {place}" in caught.value.hint


def test_the_command_line_says_it_in_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]):
    project = folder.parent
    project.mkdir(parents=True)
    (project / "lorawrap.toml").write_text("", encoding="utf-8")
    with another(folder, writes=["report"]) as process:
        assert run(["report", "--project", str(project)]) == 2
    error = capsys.readouterr().err
    assert re.search(rf"`lorawrap train` is at work on its report \(process {process.pid}", error)
    assert "→ Wait until it has ended" in error
    assert run(["report", "--project", str(project)]) == 0
