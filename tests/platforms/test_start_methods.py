"""How a worker process is started is said wherever one is, and does not matter: Python's own default changes.

It is spawn on Windows and macOS; on Linux fork, since 3.14 forkserver.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.platforms.test_text_files import FILES, ROOT

METHODS = ("fork", "forkserver", "spawn")
"""Fork first: OpenCV hangs in a process that is forked off one where it has threads."""
ALLOWED = {"get_context", "Pipe", "connection", "process", "context", "parent_process"}
"""Of multiprocessing: what starts nothing, and what is asked for the way to start."""
STARTERS = {"ProcessPoolExecutor", "DataLoader"}
MEASURE = """
import multiprocessing, sys
from pathlib import Path
import numpy as np
from dataset_tools.quality.engines import measured_here, processes
from dataset_tools.quality.measuring import Task

processes.LET_GO_S = 0.3  # who is forked holds the other end of its own pipe, and hears no end

def said(found):
    return sorted((task.place, repr(measured)) for task, measured in found)

def main(folder, *methods):
    np.set_printoptions(threshold=sys.maxsize)
    photos = sorted(Path(folder).iterdir())
    tasks = [Task(place, path, thumbnail=True) for place, path in enumerate(photos)]
    found = {}
    for method in methods:
        multiprocessing.set_start_method(method, force=True)
        processes.get_context = lambda _: multiprocessing.get_context(method)
        found[method] = said(processes.by_processes(2, limit_s=20)(iter(tasks)))
    here = said(measured_here(iter(tasks)))
    assert len(here) == 5
    print(*(method for method in methods if found[method] == here))

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows spawns")
def test_measures_are_the_same_however_a_worker_starts(tmp_path: Path):
    photos = tmp_path / "фото 'x' 🙂"
    photos.mkdir()
    random = np.random.default_rng(3)
    for number in range(4):
        pixels = random.integers(0, 255, (96, 64 + 16 * number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n")
    script = tmp_path / "measure.py"
    script.write_text(MEASURE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, photos, *METHODS],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"},
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == list(METHODS), done.stderr


def starts(path: Path) -> set[str]:
    """What ``path`` uses of multiprocessing, or starts workers by, without saying how."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "multiprocessing":
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == "multiprocessing":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in STARTERS:
            found.add(ast.unparse(node.func))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "get_context":
            found |= set() if node.args else {"get_context()"}
    return found - ALLOWED


def test_every_start_says_how():
    found = {path.relative_to(ROOT).as_posix(): starts(path) for path in FILES}
    assert {path: names for path, names in found.items() if names} == {}
