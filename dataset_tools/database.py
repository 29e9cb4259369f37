"""Small databases beside reports: what was found out once. Losing one costs time, never a result."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dataset_tools.errors import UserError

_SYSTEM = {"disk is full": errno.ENOSPC, "disk I/O error": errno.EIO}
"""What SQLite says of the system's faults."""
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
        for said, number in _SYSTEM.items():
            if said in str(error):
                raise OSError(number, os.strerror(number), str(path or "")) from error
        hint = "Remove it: it only saves time."
        raise UserError(f"{path or 'temporary database'}: cannot be used ({error})", hint) from error
