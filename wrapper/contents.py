"""Files known by what is in them: moved, copied or touched, they are the same."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from dataset_tools.database import opened
from dataset_tools.files import content_hash

HASHES = "hashes.sqlite"
"""Its name in a project's cache."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS hashes (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT NOT NULL
) WITHOUT ROWID;
"""
KEEP_EVERY_S = 1.0
"""So much work is lost at most when the process is killed."""


class Contents:
    """SHA-256 of files, remembered in ``memory`` by path, size and time of change: nothing is read twice.

    They are named from the first of ``roots`` that they lie in.
    """

    def __init__(self, memory: Path, *roots: Path) -> None:
        self.roots, self.memory = roots, memory

    def of(self, paths: Iterable[Path]) -> list[list[str]]:
        """``[path relative to its root, hash]`` of each; a file that is not there has no hash.

        UserError when what is remembered cannot be read or written.
        """
        with opened(self.memory, SCHEMA) as connection:
            known = _Known(connection)
            try:
                return [[self.name(path), known.hash_of(path)] for path in paths]
            finally:
                known.keep()

    def name(self, path: Path) -> str:
        """The path from its root, so that a project may be moved; an outside one as it is."""
        absolute = path.resolve()
        root = next((root for root in self.roots if absolute.is_relative_to(root)), None)
        return (absolute.relative_to(root) if root else absolute).as_posix()


class _Known:
    """What is remembered; what is new is written down now and then, so that no other process waits for it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._new: list[tuple[bytes, int, int, str]] = []
        self._kept_at = time.monotonic()

    def hash_of(self, path: Path) -> str:
        try:
            facts = path.stat()
        except OSError:
            return ""
        key = os.fsencode(path.absolute())
        found = self._connection.execute(
            "SELECT sha256 FROM hashes WHERE path = ? AND size = ? AND mtime_ns = ?",
            [key, facts.st_size, facts.st_mtime_ns],
        ).fetchone()
        if found:
            return found[0]
        digest = content_hash(path)
        self._new.append((key, facts.st_size, facts.st_mtime_ns, digest))
        if time.monotonic() - self._kept_at > KEEP_EVERY_S:
            self.keep()
        return digest

    def keep(self) -> None:
        if self._new:
            self._connection.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)", self._new)
            self._connection.commit()
            self._new.clear()
        self._kept_at = time.monotonic()
