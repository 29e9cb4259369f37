"""Renaming and removing on Windows, where whoever looks at a file holds it fast: virus scanners, indexers."""

from __future__ import annotations

import shutil
import stat
import sys
import time
from pathlib import Path

PATIENCE_S = 5.0
_PAUSE_S = 0.05


def move(source: Path, target: Path) -> None:
    """``os.replace``; on Windows tried again for `PATIENCE_S` while it is refused. Raises OSError."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if sys.platform != "win32" or target.is_dir() or time.monotonic() > until:
                raise
        time.sleep(_PAUSE_S)


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` as far as it can be; on Windows files that are read-only too."""
    if sys.platform == "win32":
        for path in folder.rglob("*"):
            if not path.is_symlink() and is_read_only(path):
                path.chmod(stat.S_IREAD | stat.S_IWRITE)
    shutil.rmtree(folder, ignore_errors=True)


def is_read_only(path: Path) -> bool:
    """Whether it is marked so, which is all that Windows has of POSIX' rights."""
    return not path.stat().st_mode & stat.S_IWRITE
