"""CSV as raw rows: a header of field names, then cells as a spreadsheet writes them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_tools.errors import Problems, UserError
from dataset_tools.manifests.cells import known_column, put_cell
from dataset_tools.manifests.manifest_text import lines
from dataset_tools.manifests.row_errors import unknown_key

_DELIMITERS = (",", ";", "\t")
MOST_COLUMNS = 2000
_HEADER_HINT = "The first row names the fields: image, subject, consent, age, view, type, ear_side, …"


def csv_rows(path: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``(where, values)`` of each row below the header; an empty cell says nothing.

    Rows are numbered as a spreadsheet shows them: the header is row 1, an empty row counts.
    """
    text = (line for _, line in lines(path))
    delimiter, skipped, text = _delimiter(path, text)
    records = csv.reader(text, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = skipped
    try:
        for number, record in enumerate(records, skipped + 1):
            cells = [cell.strip() for cell in record]
            where = f"{path.name} row {number}"
            if header is None:
                header = _checked_header(where, cells, problems)
            elif any(cells):
                yield from _row(where, header, cells, problems)
    except csv.Error as error:
        problems.add(f"{path.name} row {number + 1}", f"not CSV: {error}.", "Is a quote left open?")


def _delimiter(path: Path, text: Iterator[str]) -> tuple[str, int, Iterator[str]]:
    """(delimiter, lines passed over, the text from the header on); Excel's ``sep=;`` is heeded."""
    first = next(text, "")
    if first.startswith("sep=") and len(first.strip("\r\n")) == len("sep=,"):
        return first[len("sep=")], 1, text
    delimiter = max(_DELIMITERS, key=lambda one: sum(map(known_column, _split(first, one))))
    if not any(map(known_column, _split(first, delimiter))):
        raise UserError(f"{path}: its first row names no field of a manifest", _HEADER_HINT)
    return delimiter, 0, _chained(first, text)


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:  # a cell longer than any column's name
        return []


def _checked_header(where: str, cells: Sequence[str], problems: Problems) -> list[str]:
    """The column names; one that is of no use is left empty. UserError for more than `MOST_COLUMNS`."""
    if len(cells) > MOST_COLUMNS:
        raise UserError(f"{where}: has {len(cells):,} columns.", _HEADER_HINT)
    header: list[str] = []
    for name in cells:
        if name in header and name:
            problems.add(where, f"column '{name}' is there twice.")
        elif name and not known_column(name):
            message, hint = unknown_key(name)
            problems.add(where, message.replace("key", "column", 1), hint)
        header.append(name if known_column(name) and name not in header else "")
    return header


def _row(
    where: str, header: Sequence[str], cells: Sequence[str], problems: Problems
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if len(cells) < len(header) or any(cells[len(header) :]):
        problems.add(
            where, f"has {len(cells)} cells, the header {len(header)}.", "Is a quote or cell missing?"
        )
        return
    values: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=False):
        if name and cell:
            put_cell(values, name, cell)
    yield where, values
