"""Commands beside the kernel: their words, their end, and what happens when the kernel is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from wrapper.notebook.command import lorawrap, run_module
from wrapper.notebook.screen import Screen
from wrapper.notebook.stop import Stop

WAITS = """
import pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text("started")
try:
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    pathlib.Path(sys.argv[1]).write_text("interrupted")
    print("Interrupted by its user.\\n  → Go on.", file=sys.stderr)
    sys.exit(130)
"""


@pytest.fixture(autouse=True)
def _fresh_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other systems than Linux: nothing is loaded first. The notebooks' own tests fork."""
    monkeypatch.setattr("sys.platform", "other")


@pytest.fixture
def waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that waits for an interrupt, and the file that tells of it."""
    (tmp_path / "waits_for_it.py").write_text(WAITS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "told.txt"


def until(path: Path, text: str) -> None:
    while not path.is_file() or path.read_text() != text:
        time.sleep(0.05)


def test_a_command_s_lines_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    said = lorawrap("--version", folder=tmp_path)
    assert said == [line for line in capsys.readouterr().out.splitlines() if line]
    assert said[0].startswith("lorawrap")


def test_a_complaint_is_the_whole_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(Stop) as stopped:
        lorawrap("qc", "--project", "nowhere", folder=tmp_path)
    assert "there is no lorawrap.toml here" in stopped.value.message
    assert stopped.value.hint
    assert len(stopped.value._render_traceback_()) == 2
    assert capsys.readouterr().out == ""


def test_how_a_command_is_typed_is_left_out(tmp_path: Path):
    with pytest.raises(Stop) as caught:
        lorawrap("generate", "--steps", "many", folder=tmp_path)
    assert caught.value.message.startswith("Invalid value for '--steps'")


def test_an_interrupt_is_handed_on_and_waited_for(waits: Path, tmp_path: Path):
    def interrupt() -> None:
        until(waits, "started")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(Stop, match="Interrupted by its user"):
        run_module("waits_for_it", waits, folder=tmp_path)
    assert waits.read_text() == "interrupted"


def test_what_a_dead_kernel_started_ends(waits: Path, tmp_path: Path):
    code = f"""
        import sys; sys.platform = "other"
        from pathlib import Path
        from wrapper.notebook.command import run_module
        run_module("waits_for_it", {str(waits)!r}, folder=Path({str(tmp_path)!r}))
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=dict(os.environ)) as kernel:
        until(waits, "started")
        left = psutil.Process(kernel.pid).children(recursive=True)
        kernel.kill()
    gone, alive = psutil.wait_procs(left, timeout=30)
    assert gone
    assert not alive


def test_a_bar_moves_where_it_stands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.DisplayHandle.display", lambda _, data, raw: shown.append("new"))
    monkeypatch.setattr(
        "IPython.display.DisplayHandle.update", lambda _, data, raw: shown.append(data["text/html"])
    )
    screen = Screen()
    for line in (
        "stage_a: 1/30",
        "stage_a: 9/30, about 0:10 left, loss 0.1 <b>",
        "Building: 5/5, done in 0:00",
    ):
        screen.error(line)
    screen.output("next: lorawrap build")
    screen.error("a warning")
    screen.output("done")
    assert shown[0] == "new"
    assert "9 of 30 · about 0:10 left · loss 0.1 &lt;b&gt;" in shown[1]
    assert len(shown) == 2
    assert capsys.readouterr().out == "a warning\ndone\n"
