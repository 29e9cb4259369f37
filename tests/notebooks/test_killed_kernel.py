"""A kernel that is killed with −9 leaves neither its command nor what that had started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

DEAF = """
import signal, subprocess, sys, time
for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(kind, signal.SIG_IGN)
if "above" in sys.argv:
    child = subprocess.Popen([sys.executable, __file__], start_new_session=True)
    print(child.pid, flush=True)
time.sleep(600)
"""
KERNEL = """
import multiprocessing
from functools import partial
from pathlib import Path
from wrapper.notebook import beside
beside._context = lambda: multiprocessing.get_context({method!r})  # without what takes seconds to load
beside.guarded = partial(beside.guarded, grace_s=0.5)
beside.run_beside("deaf", ["above"], Path(), lambda line: print(line, flush=True), print)
"""


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_nobody_is_left_of_a_command_that_heeds_no_signal(method: str, tmp_path: Path):
    """Its child has a session of its own, and heeds none either."""
    folder = tmp_path / "ядро 🙂"
    folder.mkdir()
    (folder / "deaf.py").write_text(DEAF, encoding="utf-8")
    path = os.pathsep.join((str(folder), str(Path(__file__).parents[2])))
    with subprocess.Popen(
        [sys.executable, "-c", KERNEL.format(method=method)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as kernel:
        assert kernel.stdout is not None
        grandchild = psutil.Process(int(kernel.stdout.readline()))
        left = [grandchild, *psutil.Process(kernel.pid).children(recursive=True)]
        kernel.kill()
    gone, alive = psutil.wait_procs(left, timeout=30)
    for one in alive:
        one.kill()
    assert alive == []
    assert len(gone) >= 3, "the command's child, the command, the guardian"
