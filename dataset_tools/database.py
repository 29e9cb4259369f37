"""Small databases beside reports: what was found out once. Losing one costs time, never a result."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dataset_tools.errors import UserError

WAIT_S = 60.0
"""So long one process waits for another that writes; each writes in moments."""


@contextmanager
def opened(path: Path | None, schema: str) -> Iterator[sqlite3.Connection]:
    """A database with the tables of ``schema``; without a ``path`` one on the disk that ends with the run.

    It survives the end of its process at any moment, and two processes may use one. UserError for a file that
    is none, or that cannot be written; OSError (ENOSPC, EIO) for a full disk or a drive that is gone.
    """
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
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

    It calls a file that somebody removed an I/O error as well; on a drive that is gone its folder is gone.
    """
    if "disk is full" in str(error):
        return errno.ENOSPC
    gone = path is None or not path.parent.is_dir()
    return errno.EIO if "disk I/O error" in str(error) and gone else 0
