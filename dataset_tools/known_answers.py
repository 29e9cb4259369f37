"""What was found out once, by all that it hangs on: BLIP's caption of a picture, a mask's part to repaint."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataset_tools.data_text import from_json
from dataset_tools.database import opened
from dataset_tools.files import data_hash

SCHEMA = "CREATE TABLE IF NOT EXISTS answers (question TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID;"
COMMIT_EVERY_S = 1.0
"""So that little is found out again after a kill, and another process waits no longer for its turn."""
Ask = Callable[[Sequence[object], Callable[[], Any]], Any]
"""``ask(question, find)``: the known answer, else what ``find`` returns: JSON. Its errors are not known."""


def ask_anew(_question: Sequence[object], find: Callable[[], Any]) -> Any:
    """Nothing is known."""
    return find()


@contextmanager
def known_answers(path: Path, *, keep: bool = True) -> Iterator[Ask]:
    """An `Ask` of the database ``path``; nothing is written there unless answers are to be kept."""
    with opened(path if keep or path.is_file() else None, SCHEMA) as connection:
        try:
            yield _Known(connection, keep=keep).ask
        finally:
            connection.commit()


class _Known:
    def __init__(self, connection: sqlite3.Connection, *, keep: bool) -> None:
        self._connection, self._keep = connection, keep
        self._committed_at = time.monotonic()

    def ask(self, question: Sequence[object], find: Callable[[], Any]) -> Any:
        key = data_hash(question)
        known = self._connection.execute("SELECT answer FROM answers WHERE question = ?", [key]).fetchone()
        if known:
            return _read(known[0])
        found = find()
        if self._keep:
            self._connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", [key, json.dumps(found)])
            self._commit_now_and_then()
        return found

    def _commit_now_and_then(self) -> None:
        if time.monotonic() - self._committed_at > COMMIT_EVERY_S:
            self._connection.commit()
            self._committed_at = time.monotonic()


def _read(answer: Any) -> Any:
    try:
        return from_json(answer)
    except (TypeError, ValueError) as fault:
        raise sqlite3.DatabaseError(f"an answer is spoiled: {fault}") from fault
