"""A Python that takes itself to be on Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]


def started(*argv: str, folder: Path, path: Sequence[Path] = (), **variables: str) -> subprocess.Popen[str]:
    """``python`` with ``argv`` in ``folder``, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, *argv], cwd=folder, text=True, encoding="utf-8", **_options(path, variables)
    )


def lorawrap(
    *argv: str, folder: Path, timeout_s: float = 300, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """A command to its end; what it says are bytes of whatever code page it was given."""
    command = [sys.executable, "-m", "wrapper", *argv]
    return subprocess.run(command, cwd=folder, timeout=timeout_s, check=False, **_options((), variables))


def _options(path: Sequence[Path], variables: dict[str, str]) -> dict[str, Any]:
    return {
        "env": {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, ROOT, *path))), **variables},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "start_new_session": True,
    }
