"""What was measured, kept on the disk by content: the next run measures what is new, and no run holds all."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from dataset_tools.data_text import from_json
from dataset_tools.database import opened
from dataset_tools.known_contents import SCHEMA as CONTENTS_SCHEMA
from dataset_tools.known_contents import KnownContents
from dataset_tools.quality.duplicates import Fingerprint
from dataset_tools.quality.kept_search import SCHEMA as SEARCH_SCHEMA
from dataset_tools.quality.kept_search import KeptSearch
from dataset_tools.quality.measure import Measures
from dataset_tools.quality.measuring import Facts, Measured

CACHE = ".qc-cache.sqlite"
"""Its name beside ``qc.jsonl``."""
SCHEMA = f"""{CONTENTS_SCHEMA}{SEARCH_SCHEMA}
CREATE TABLE IF NOT EXISTS measured (
    id INTEGER PRIMARY KEY, content TEXT NOT NULL, subject TEXT, size INTEGER, version TEXT,
    facts TEXT NOT NULL, digest TEXT, thumbnail BLOB, UNIQUE (content, subject)
);
CREATE INDEX IF NOT EXISTS sizes_of ON measured (size, subject);
CREATE TABLE IF NOT EXISTS agreements (key BLOB PRIMARY KEY, value REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, pairs TEXT NOT NULL);
"""
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "simplejpeg")
SOURCES = (
    "quality/measure.py",
    "quality/measuring.py",
    "quality/measures",
    "quality/duplicates",
    "pictures/images.py",
    "pictures/inspected.py",
    "pictures/jpeg_header.py",
    "pictures/pyramid.py",
)
BLOCK = 256
KEEP_EVERY_S = 0.5
"""So much work is lost at most when the process is killed."""


def measure_version() -> str:
    """Changes with the code that decodes and measures, and with its libraries."""
    digest = sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for place in SOURCES:
        there = files("dataset_tools").joinpath(place)
        for file in [there] if there.is_file() else sorted(there.iterdir(), key=lambda one: one.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


class MeasuredStore:
    """Rows of what was measured. A row is named by its number, which stays while the store is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.version = measure_version()
        self.contents = KnownContents(connection)
        self.agreements = Agreements(connection)
        self.last_search = KeptSearch(connection, self.version)

    def forget_older(self) -> None:
        """Drop what another version measured."""
        gone = self._connection.execute("DELETE FROM measured WHERE version != ?", [self.version])
        if gone.rowcount:
            self._connection.execute("DELETE FROM agreements")
        self.commit()

    def find(self, content: str, subject: str) -> tuple[int, bool] | None:
        """The row of a content, and whether it is a picture."""
        found = self._connection.execute(
            "SELECT id, digest IS NOT NULL FROM measured WHERE content = ? AND subject = ? AND version = ?",
            [content, subject, self.version],
        ).fetchone()
        return found and (found[0], bool(found[1]))

    def of_size(self, size: int, subject: str, most: int) -> tuple[str, ...]:
        """The contents of so many bytes that were measured, ``most`` of them."""
        found = self._connection.execute(
            "SELECT content FROM measured WHERE size = ? AND subject = ? LIMIT ?", [size, subject, most]
        )
        return tuple(content for (content,) in found)

    def add(self, measured: Measured, subject: str, size: int) -> int:
        """The row's number; of equal contents the first is kept."""
        assert measured.facts is not None
        said = (measured.content, subject, size, self.version, _text(measured.facts))
        self._connection.execute(
            "INSERT OR IGNORE INTO measured (content, subject, size, version, facts, digest, thumbnail) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [*said, *(measured.fingerprint or (None, None))],
        )
        row = self.find(measured.content, subject)
        assert row is not None
        return row[0]

    def last_row(self) -> int:
        """The greatest row's number; later ones are new."""
        return self._connection.execute("SELECT coalesce(max(id), 0) FROM measured").fetchone()[0]

    def commit(self) -> None:
        self._connection.commit()

    def facts(self, rows: Sequence[int]) -> Iterator[Facts]:
        """The facts of ``rows``, in their order; a block of them at a time."""
        for start in range(0, len(rows), BLOCK):
            block = list(rows[start : start + BLOCK])
            marks = ",".join("?" * len(block))
            found = dict(
                self._connection.execute(f"SELECT id, facts FROM measured WHERE id IN ({marks})", block)
            )
            yield from (_facts(found[row]) for row in block)

    def fingerprint(self, row: int) -> Fingerprint | None:
        found = self._connection.execute(
            "SELECT digest, thumbnail FROM measured WHERE id = ?", [row]
        ).fetchone()
        return None if found[0] is None else Fingerprint(*found)

    def pairs(self, key: str) -> list[list[float]] | None:
        """What `keep_pairs` kept."""
        found = self._connection.execute("SELECT pairs FROM pairs WHERE key = ?", [key]).fetchone()
        return _kept(found[0]) if found else None

    def keep_pairs(self, key: str, pairs: Sequence[Sequence[float]]) -> None:
        """Keep the result of the last search for copies."""
        self._connection.execute("DELETE FROM pairs")
        self._connection.execute("INSERT INTO pairs VALUES (?, ?)", [key, json.dumps(pairs)])
        self.commit()


class Agreements(MutableMapping[bytes, float]):
    """How well pictures agree that were compared before, as `alike_pairs` asks for it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._new: dict[bytes, float] = {}
        self._kept_at = time.monotonic()

    def __getitem__(self, key: bytes) -> float:
        found = self._connection.execute("SELECT value FROM agreements WHERE key = ?", [key]).fetchone()
        if found is None:
            raise KeyError(key)
        return found[0]

    def __setitem__(self, key: bytes, value: float) -> None:
        self._new[key] = value
        if time.monotonic() - self._kept_at > KEEP_EVERY_S:
            self.keep()

    def __delitem__(self, key: bytes) -> None:
        self._connection.execute("DELETE FROM agreements WHERE key = ?", [key])

    def __len__(self) -> int:
        return self._connection.execute("SELECT count(*) FROM agreements").fetchone()[0]

    def __iter__(self) -> Iterator[bytes]:
        return (key for (key,) in self._connection.execute("SELECT key FROM agreements"))

    def keep(self) -> None:
        """Write down what is new."""
        rows = "INSERT OR REPLACE INTO agreements VALUES (?, ?)"
        self._connection.executemany(rows, self._new.items())
        self._connection.commit()
        self._new.clear()
        self._kept_at = time.monotonic()


@contextmanager
def measured_store(path: Path | None) -> Iterator[MeasuredStore]:
    """The store in the file ``path``, or without one on the disk for this run alone."""
    with opened(path, SCHEMA) as connection:
        yield MeasuredStore(connection)


def _text(facts: Facts) -> str:
    return json.dumps([facts.measures, facts.box, facts.error])


def _facts(text: str) -> Facts:
    try:
        measures, box, error = _kept(text)
        return Facts(measures and Measures(*measures), box and tuple(box), error)
    except (TypeError, ValueError) as fault:
        raise sqlite3.DatabaseError(f"a row of it is spoiled: {fault}") from fault


def _kept(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError as fault:
        raise sqlite3.DatabaseError(f"a row of it is spoiled: {fault}") from fault
