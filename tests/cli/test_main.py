"""The root command: names, exit codes, and one red line for what is the user's to mend."""

from __future__ import annotations

import errno
import subprocess
import sys

import click
import pytest

from dataset_tools.errors import RunFailed, UserError
from wrapper.cli import main as root
from wrapper.cli.main import COMMANDS, run


def raising(error: BaseException) -> click.Command:
    @click.command("fails")
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            UserError("photo.png: is cut short.", "Copy it again."),
            2,
            ["photo.png: is cut short.", "→ Copy it again."],
        ),
        (RunFailed("Stage A stopped.", "See the log."), 1, ["Stage A stopped.", "→ See the log."]),
        (KeyboardInterrupt(), 130, ["Interrupted."]),
        (click.UsageError("no"), 2, ["no"]),
        (
            OSError(errno.EIO, "Input/output error", "d/a"),
            2,
            ["not answer (Input/output error): d/a", "→ Look"],
        ),
        (MemoryError(), 2, ["The computer's memory is used up.", "→ End other programs"]),
    ],
    ids=["user", "run", "interrupt", "usage", "drive", "memory"],
)
def test_errors_become_a_line_and_a_code(
    monkeypatch, capsys, error: BaseException, code: int, said: list[str]
):
    monkeypatch.setattr(root.CommandFolder, "get_command", lambda *_: raising(error))
    assert run(["doctor"]) == code
    shown = capsys.readouterr()
    assert [text for text in said if text not in shown.err] == []
    assert "Traceback" not in shown.err


SIGNALLED = """
import os, signal, click
from wrapper.cli import main as root

@click.command()
def command():
    os.kill(os.getpid(), signal.{kind})
    click.echo("went on")

{before}
root.CommandFolder.get_command = lambda *_: command
root.sys.argv = ["lorawrap", "doctor"]
root.main()
"""


@pytest.mark.parametrize(
    ("kind", "before", "code", "said"),
    [
        ("SIGTERM", "", 130, "Interrupted."),
        ("SIGHUP", "signal.signal(signal.SIGHUP, signal.SIG_DFL)", 130, "Interrupted."),
        ("SIGHUP", "signal.signal(signal.SIGHUP, signal.SIG_IGN)", 0, "went on"),
    ],
    ids=["terminated", "hung up", "nohup"],
)
def test_a_termination_ends_as_ctrl_c_does_and_nohup_stays(kind: str, before: str, code: int, said: str):
    child = subprocess.run(
        [sys.executable, "-c", SIGNALLED.format(kind=kind, before=before)], capture_output=True, text=True
    )
    assert (child.returncode, said in child.stdout + child.stderr) == (code, True)


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(root.CommandFolder, "get_command", lambda *_: raising(ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError):
        run(["doctor"])


def test_a_mistyped_command_gets_the_nearest_name(capsys):
    assert run(["tarin"]) == 2
    assert "Did you mean 'train'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys):
    assert run([name, "--help"]) == 0
    assert f"Usage: lorawrap {name}" in capsys.readouterr().out


def test_the_version_is_printed(capsys):
    assert run(["--version"]) == 0
    assert "lorawrap, version" in capsys.readouterr().out
