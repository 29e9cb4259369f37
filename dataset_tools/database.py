"""Small databases beside reports: what was found out once. Losing one costs time, never a result."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.system.ground import make_folder

WAIT_S = 60.0
"""So long one process waits for another that writes; each writes in moments."""


BLOCK_BYTES = 1 << 16
SQLITE_FILES = 3
"""That it has open at once: the database, its journal, their folder."""
LONGEST_PATH_BYTES = 500
"""SQLite's own limit is 512 (``MAX_PATHNAME`` in ``os_unix.c``), its journal's name included."""
_OF_A_DRIVE = ("disk I/O error", "readonly database", "unable to open")


@contextmanager
def opened(path: Path | None, schema: str) -> Iterator[sqlite3.Connection]:
    """A database with the tables of ``schema``; without a ``path`` one on the disk that ends with the run.

    It survives the end of its process at any moment, and two processes may use one. UserError for a file that
    is none, or that cannot be written; OSError (ENOSPC, EIO) for a full disk or a drive that is gone.
    """
    try:
        if path is not None:
            make_folder(path.parent)
        with closing(sqlite3.connect(path or "", timeout=WAIT_S)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(schema)
            yield connection
    except sqlite3.Error as error:
        if number := _system_number(error, path):
            raise OSError(number, os.strerror(number), str(path or "")) from error
        hint = "Remove it: it only saves time."
        raise UserError(f"{path or 'temporary database'}: cannot be used ({error})", hint) from error


def _system_number(error: sqlite3.Error, path: Path | None) -> int:
    """The system's fault behind what SQLite says, 0 for none.

    It has the same words for a file that somebody removed or locked: another file beside it tells which.
    """
    said = str(error)
    if "disk is full" in said:
        return errno.ENOSPC
    if not any(words in said for words in _OF_A_DRIVE):
        return 0
    return errno.EIO if path is None else _refusal(path)


def _refusal(path: Path) -> int:
    """What the system, or SQLite, has against other files beside ``path``, one as long; 0 for nothing."""
    if len(os.fsencode(path.absolute())) > LONGEST_PATH_BYTES:
        return errno.ENAMETOOLONG
    try:
        length = path.stat().st_size if path.exists() else 0
        with ExitStack() as stack:
            new = partial(tempfile.NamedTemporaryFile, prefix=".part-", dir=path.parent)
            other, *_ = [stack.enter_context(new()) for _ in range(SQLITE_FILES)]
            other.seek(length)
            other.write(bytes(BLOCK_BYTES))
            other.flush()
    except OSError as error:
        return errno.EIO if isinstance(error, FileNotFoundError) else error.errno or errno.EIO
    return 0
