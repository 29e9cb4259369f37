"""Reading what the steps left behind: what is not there is empty, what is broken is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError

MOST_LINE_BYTES = 1 << 20
MOST_RECORDS_BYTES = 1 << 30
"""Records have a line for each picture or sheet."""


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in ``path``, or None when there is no such file."""
    data = _parsed(path) if path.is_file() else None
    if data is not None and not isinstance(data, dict):
        raise _broken(path, "not a JSON object")
    return data


def read_list(path: Path) -> list[dict[str, Any]]:
    """The JSON list of objects in ``path``; empty when there is no such file."""
    data = _parsed(path) if path.is_file() else []
    if not isinstance(data, list):
        raise _broken(path, "not a JSON list")
    return data


def _parsed(path: Path) -> Any:
    try:
        return from_json(_text(path))
    except ValueError as error:
        raise _broken(path, error) from None


def each_line(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a ``.jsonl`` file, one at a time; none when there is no such file."""
    if not path.is_file():
        return
    with path.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MOST_LINE_BYTES), b""), start=1):
            try:
                row = from_json(line.decode("utf-8")) if line.strip() else None
            except ValueError as error:
                raise _broken(path, f"line {number}: {error}") from None
            if row is not None:
                yield row


@contextmanager
def in_form(*paths: Path) -> Iterator[None]:
    """Whoever reads the records ``paths`` takes their form for granted: `UserError` for another one."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        names = " or ".join(map(str, paths))
        raise UserError(
            f"{names}: has not the form that it was written in ({type(error).__name__}: {error}).",
            "It was edited, or is of another version: remove it and run its step again.",
        ) from error


def _text(path: Path) -> str:
    try:
        return bounded_text(path, most_bytes=MOST_RECORDS_BYTES)
    except ValueError as error:
        raise _broken(path, error) from None


def _broken(path: Path, why: object) -> UserError:
    return UserError(f"{path}: cannot be read for the report ({why}).", "Remove it and run its step again.")
