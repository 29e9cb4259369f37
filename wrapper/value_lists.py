"""The values of an axis as A1111's X/Y/Z plot writes them: CSV, and ranges of numbers.

``1-5``, ``1-5 (+2)``, ``0.7-1.0 (+0.1)``, ``0.7-1.0 [4]`` (modules/scripts/xyz_grid.py, 1.10). Numbers are
decimal, so that 0.7 to 1.0 by 0.1 are four values, and none is past the end.
"""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from io import StringIO

from dataset_tools.errors import UserError

MOST_VALUES = 1000
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_RANGE = re.compile(
    rf"(?P<start>{_NUMBER})\s*-\s*(?P<end>{_NUMBER})\s*"
    rf"(?:\(\s*(?P<step>{_NUMBER})\s*\)|\[\s*(?P<count>\d+)\s*\])?"
)


def split_values(text: str) -> list[str]:
    """The fields of one line of CSV, stripped: ``a, "b, c"`` → ``a``, ``b, c``. Empty ones are kept."""
    rows = list(csv.reader(StringIO(text.replace("\n", " ")), skipinitialspace=True))
    return [field.strip() for field in rows[0]] if rows else []


def numbers(field: str, *, whole: bool) -> list[Decimal]:
    """The numbers that one field stands for; with ``whole`` those of a counted range are cut to integers.

    Raises `UserError` for anything else, and for a range that leaves open what lies between its ends.
    """
    found = _RANGE.fullmatch(field)
    if found is None:
        return [_number(field, whole)]
    start, end = Decimal(found["start"]), Decimal(found["end"])
    if found["count"]:
        values = _counted(start, end, int(found["count"]), field)
        return [Decimal(int(value)) for value in values] if whole else values
    if found["step"] is None and not (_is_whole(start) and _is_whole(end)):
        raise UserError(
            f"'{field}': how far apart are the values?",
            f"Write {field} (+0.1) for steps, {field} [4] for four.",
        )
    step = Decimal(found["step"] or (1 if end >= start else -1))
    return [_checked(value, whole, field) for value in _stepped(start, end, step, field)]


def _number(field: str, whole: bool) -> Decimal:
    if not re.fullmatch(_NUMBER, field):
        kind = "whole number" if whole else "number"
        raise UserError(f"'{field}' is not a {kind}.", "Ranges are written 1-5, 1-5 (+2) or 0.7-1.0 [4].")
    return _checked(Decimal(field), whole, field)


def _checked(value: Decimal, whole: bool, field: str) -> Decimal:
    if whole and not _is_whole(value):
        raise UserError(f"'{field}' is not a whole number.")
    return value


def _counted(start: Decimal, end: Decimal, count: int, field: str) -> list[Decimal]:
    """``count`` values, evenly spaced, both ends among them (one value: the start)."""
    _check_count(count, field)
    gaps = max(count - 1, 1)
    return [_plain(round(start + (end - start) * place / gaps, 10)) for place in range(count)]


def _stepped(start: Decimal, end: Decimal, step: Decimal, field: str) -> list[Decimal]:
    if not step or (end - start) * step < 0:
        raise UserError(f"'{field}': steps of {step} never come from {start} to {end}.")
    count = int((end - start) / step) + 1
    _check_count(count, field)
    return [start + step * place for place in range(count)]


def _check_count(count: int, field: str) -> None:
    if not 0 < count <= MOST_VALUES:
        raise UserError(f"'{field}' are {count} values; there can be 1 to {MOST_VALUES} at a time.")


def _plain(value: Decimal) -> Decimal:
    """Without trailing zeros, and without an exponent: 0.7000 → 0.7, 10 → 10."""
    return Decimal(f"{value.normalize():f}")


def _is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()
