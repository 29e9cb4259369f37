"""``--list FILE``: a trial a row, each row settings by their names."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json, from_toml
from dataset_tools.errors import Problems, UserError
from wrapper.project.load import leaves, parse_override

TABLE = "trial"
_HINT = "A .csv (keys in its first line), .jsonl, .json (a list of objects) or .toml ([[trial]] tables)."


@dataclass(frozen=True)
class Row:
    """The settings of one row, and where it stands."""

    place: str
    settings: Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Every row of ``path``. Raises one `UserError` for a file that cannot be read, and for all bad rows."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path}: is no list of trials.", _HINT)
    try:
        found = reader(bounded_text(path, encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file.", _HINT) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a list of trials ({error}).", _HINT) from None
    problems, rows = Problems(), []
    for place, row in found:
        if isinstance(row, Mapping) and row:
            rows.append(Row(f"{path.name}, {place}", dict(leaves(row))))
        else:
            problems.add(f"{path}, {place}", "names no settings.", _HINT)
    problems.raise_if_any()
    if not rows:
        raise UserError(f"{path}: has no trials.", _HINT)
    return rows


Read = list[tuple[str, Any]]


def _toml(text: str) -> Read:
    return _numbered(TABLE, from_toml(text).get(TABLE, []))


def _json(text: str) -> Read:
    return _numbered("row", from_json(text))


def _numbered(name: str, found: Any) -> Read:
    if not isinstance(found, list):
        raise ValueError("it is no list")
    return [(f"{name} {number}", row) for number, row in enumerate(found, start=1)]


def _jsonl(text: str) -> Read:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return [(f"line {number}", from_json(line)) for number, line in lines]


def _csv(text: str) -> Read:
    """Cells are TOML values, else text; an empty one leaves the project's own value.

    Spreadsheets of many countries put semicolons between the cells; no setting has one in its name.
    """
    comma = ";" if ";" in text.partition("\n")[0] else ","
    lines = csv.reader(StringIO(text, newline=""), strict=True, delimiter=comma)
    try:
        heads = [head.strip() for head in next(lines, [])]
        return [(f"line {lines.line_num}", _cells(heads, cells)) for cells in lines if any(cells)]
    except csv.Error as error:
        raise ValueError(error) from None


def _cells(heads: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) > len(heads) or not all(heads):
        raise ValueError(f"{len(cells)} cells under {len(heads)} keys: {', '.join(cells)}")
    pairs = zip(heads, cells, strict=False)
    return {head: parse_override(f"x={cell}")[1] for head, cell in pairs if cell.strip()}


_READERS: dict[str, Callable[[str], Read]] = {".toml": _toml, ".json": _json, ".jsonl": _jsonl, ".csv": _csv}
