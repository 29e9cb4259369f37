"""JSON and JSON lines as raw rows with their place in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.errors import Problems, UserError, did_you_mean

TOP_KEY = "images"


class _DuplicateKeyError(ValueError):
    pass


def json_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``(where, values)`` of each row of a ``.json`` (a list, or ``{"images": […]}``) or ``.jsonl`` file."""
    if path.suffix.lower() == ".json":
        yield from _list_rows(path, problems)
    else:
        yield from _line_rows(path, problems)


def _list_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        data = _parse(_text(path))
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}") from error
    hint = ""
    if isinstance(data, dict):
        for key in (key for key in data if key != TOP_KEY):
            hint = did_you_mean(key, [TOP_KEY])
            problems.add(path, f"unknown key '{key}' beside '{TOP_KEY}'.", hint)
        data = data.get(TOP_KEY)
    if not isinstance(data, list):
        raise UserError(f'{path}: neither a list of rows nor {{"{TOP_KEY}": [rows]}}', hint)
    for number, values in enumerate(data, 1):
        yield from _row(f"{path.name} row {number}", values, problems)


def _line_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        try:
            values = _parse(line)
        except ValueError as error:
            problems.add(where, f"not JSON: {error}")
            continue
        yield from _row(where, values, problems)


def _row(where: str, values: Any, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(values, dict):
        yield where, values
    else:
        problems.add(where, f"a row is an object, not {json.dumps(values, ensure_ascii=False)[:40]}")


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _DuplicateKeyError(f"'{twice}' is there twice")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: no such manifest", "Name a .json or .jsonl file, or a folder of images."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text (byte {error.start})", "Save it as UTF-8.") from error
