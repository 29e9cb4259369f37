"""The last search for copies, kept on the disk beside what was measured."""

from __future__ import annotations

import sqlite3

import numpy as np

from dataset_tools.quality.duplicates.cells import NONE, drawn
from dataset_tools.quality.duplicates.searched import ROW, Rows
from dataset_tools.quality.duplicates.shortlists import NOBODY
from dataset_tools.quality.duplicates.windows import ORIENTATIONS, WINDOWS

SCHEMA = """
CREATE TABLE IF NOT EXISTS searched (part INTEGER PRIMARY KEY, version TEXT NOT NULL, pictures BLOB NOT NULL);
"""
A_PART = 1024
"""Pictures in one row of the table: 750 KB."""


class KeptSearch:
    """What the last search found, as `alike_pairs` asks for it; nothing of another ``version``."""

    def __init__(self, connection: sqlite3.Connection, version: str) -> None:
        self._connection, self._version = connection, version

    def rows(self) -> Rows | None:
        try:
            rows = self._filled(np.empty(self._count(), ROW))
        except (TypeError, ValueError) as fault:
            raise sqlite3.DatabaseError(f"its search for copies is spoiled: {fault}") from fault
        return _sound(rows) if len(rows) else None

    def _count(self) -> int:
        told = "SELECT coalesce(sum(length(pictures)), 0) FROM searched WHERE version = ?"
        return self._connection.execute(told, [self._version]).fetchone()[0] // ROW.itemsize

    def _filled(self, rows: Rows) -> Rows:
        """A part at a time, so that they are in memory once."""
        told = "SELECT pictures FROM searched WHERE version = ? ORDER BY part"
        start = 0
        for (part,) in self._connection.execute(told, [self._version]):
            pictures = np.frombuffer(part, ROW)
            rows[start : start + len(pictures)] = pictures
            start += len(pictures)
        return rows

    def keep(self, rows: Rows) -> None:
        """In the place of the one before."""
        self._connection.execute("DELETE FROM searched")
        parts = (rows[start : start + A_PART].tobytes() for start in range(0, len(rows), A_PART))
        self._connection.executemany(
            "INSERT INTO searched VALUES (?, ?, ?)",
            ((number, self._version, part) for number, part in enumerate(parts)),
        )
        self._connection.commit()


def _sound(rows: Rows) -> Rows:
    """``rows``, if every number in them names something."""
    centres = max(len(drawn(rows["digest"])), 1)
    bounds = {
        "cells": (NONE, centres),
        "probes": (NONE, centres),
        "other": (NOBODY, len(rows)),
        "how": (0, ORIENTATIONS * WINDOWS),
    }
    for field, (least, end) in bounds.items():
        if rows[field].min() < least or rows[field].max() >= end:
            raise sqlite3.DatabaseError(f"its search for copies is spoiled: {field}")
    return rows
