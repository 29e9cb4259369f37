"""An export whose process is ended, at any moment and in any way, leaves nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.main import run
from wrapper.safetensors_header import read_header

CHILD = """
import os, sys
from wrapper.cli.main import main
from wrapper.export import delivery
from wrapper.export.places import placing

number, moment = int(sys.argv[1]), sys.argv[2]
done = 0

def ended(function, at):
    def ending(*args):
        global done
        done += moment.startswith(at)
        if moment == f"{at} {done}":
            os.kill(os.getpid(), number)
        return function(*args)
    return ending

placing._move = ended(placing._move, "move")
delivery.write_text = ended(delivery.write_text, "text")
sys.argv = ["lorawrap", *sys.argv[3:]]
main()
"""
LAYERS = dict(list(plain_layers("sd15").items())[:3])


@pytest.fixture
def argv(tmp_path: Path) -> list[str]:
    source = save(tmp_path / "from here" / "ear.safetensors", tensors(LAYERS))
    there = tmp_path / "web ui" / "models" / "Lora"
    there.mkdir(parents=True)
    (there / "ear.json").write_text("mine")
    return ["export", str(source), "--to", "a1111", "--dest", str(tmp_path / "web ui"), "--force"]


def contents(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def end_child(number: signal.Signals, moment: str, argv: list[str]) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CHILD, str(int(number)), moment, *argv]
    return subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False).returncode


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGTERM, "move 3"), (signal.SIGINT, "text 1")],
    ids=["terminated while placing", "Ctrl-C while writing"],
)
def test_a_stopped_export_takes_everything_back(
    number: signal.Signals, moment: str, argv: list[str], tmp_path: Path
):
    before = contents(tmp_path)
    assert end_child(number, moment, argv) == 130
    assert contents(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("moment", ["move 1", "move 3", "text 1"])
def test_after_a_killed_export_every_file_is_whole_and_the_next_one_clears_up(
    moment: str, argv: list[str], tmp_path: Path
):
    before = contents(tmp_path)
    assert end_child(signal.SIGKILL, moment, argv) == -signal.SIGKILL
    folder = tmp_path / "web ui" / "models" / "Lora"
    for path in folder.glob("*.safetensors"):
        read_header(path)
    assert run(argv[:-1]) == 2  # the user's own side-car stands in the way, as before
    assert contents(tmp_path) == before
    assert run(argv) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["ear.json", "ear.png", "ear.safetensors"]
    assert not list((tmp_path / "web ui").glob(".part-*"))
