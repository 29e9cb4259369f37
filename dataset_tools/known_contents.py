"""What is in a file, without reading it again while its size, times and inode are as they were."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dataset_tools.database import opened
from dataset_tools.files import content_hash

SCHEMA = """
CREATE TABLE IF NOT EXISTS contents (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER,
    sha256 TEXT NOT NULL
) WITHOUT ROWID;
"""
COMMIT_EVERY_S = 1.0
"""So that another process waits no longer for its turn to write."""
LARGEST = (1 << 63) - 1
LARGE_BYTES = 16 << 20
"""What takes a while to be read: nothing is left uncommitted meanwhile."""
SETTLED_NS = 2_000_000_000
"""A file that was changed less than this before it was looked at may change again at the same time stamp.

One of the future, by a clock that was set since or a time that was given to it, gets another when it changes.
"""


class Stamp(NamedTuple):
    """What the file system says of a file."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    settled: bool
    """Whether it was last changed long enough ago to tell by these that it is unchanged."""


def stamp_of(path: Path) -> Stamp | None:
    """None when the file is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    now = time.time_ns()
    settled = all(abs(now - changed) > SETTLED_NS for changed in (status.st_mtime_ns, status.st_ctime_ns))
    inode = status.st_ino & LARGEST
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, inode, settled)


@contextmanager
def known_contents(path: Path, *, keep: bool = True) -> Iterator[KnownContents]:
    """`KnownContents` in the database ``path``; nothing is written there unless they are to be kept."""
    with opened(path if keep or path.is_file() else None, SCHEMA) as connection:
        try:
            yield KnownContents(connection, keep=keep)
        finally:
            connection.commit()


class KnownContents:
    """SHA-256 of files by their stamps, in a table of ``connection``, whose last commit is the caller's."""

    def __init__(self, connection: sqlite3.Connection, *, keep: bool = True) -> None:
        self._connection, self._keep = connection, keep
        self._committed_at = time.monotonic()

    def known(self, path: Path, stamp: Stamp | None) -> str | None:
        """The SHA-256 noted for ``path`` at this ``stamp``."""
        found = self._connection.execute(
            "SELECT size, mtime_ns, ctime_ns, inode, sha256 FROM contents WHERE path = ?", [_key(path)]
        ).fetchone()
        return found[4] if found and stamp and found[:4] == stamp[:4] else None

    def note(self, path: Path, stamp: Stamp | None, sha256: str) -> None:
        """``stamp`` was taken before the file was read. A file of that very moment is not noted."""
        if stamp is not None and stamp.settled and self._keep:
            self._connection.execute(
                "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?, ?)", [_key(path), *stamp[:4], sha256]
            )

    def of(self, path: Path) -> str:
        """The file's SHA-256, read only when it is not known. OSError for a file that cannot be read."""
        stamp = stamp_of(path)
        found = self.known(path, stamp)
        if found is None:
            if stamp is not None and stamp.size > LARGE_BYTES:
                self._connection.commit()
            found = content_hash(path)
            self.note(path, stamp, found)
            self._commit_now_and_then()
        return found

    def _commit_now_and_then(self) -> None:
        if time.monotonic() - self._committed_at > COMMIT_EVERY_S:
            self._connection.commit()
            self._committed_at = time.monotonic()


def _key(path: Path) -> bytes:
    return os.fsencode(path.absolute())
