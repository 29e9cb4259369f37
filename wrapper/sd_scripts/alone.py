"""One installation at a time in a folder, and nothing left of one that was killed."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dataset_tools.files import placing
from dataset_tools.system import windows_locks

LOCK = "install.lock"
_PAUSE_S = 0.2


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold ``folder``'s lock; wait for it, and say so, while another installation has it.

    The lock is the open file's: it ends with the process. Children inherit it, so that one which outlives a
    killed installation is waited for.
    """
    with placing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+b") as stream:
        if os.name != "nt":
            os.set_inheritable(stream.fileno(), True)
        if not _take(stream, wait=False):
            print(f"waiting for another installation in {folder} to end", file=sys.stderr, flush=True)
            while not _take(stream, wait=True):
                time.sleep(_PAUSE_S)
        _remove_leftovers(folder)
        yield


def _take(stream: IO[bytes], *, wait: bool) -> bool:
    """Whether the lock is ours. On Windows there is no waiting without an end: that is the caller's."""
    try:
        if sys.platform == "win32":
            windows_locks.lock(stream)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if wait and sys.platform != "win32":
            raise
        return False
    return True


def _remove_leftovers(folder: Path) -> None:
    for left in (*folder.glob(".part-*"), *folder.glob(".old-*")):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
