"""``--grid KEY=VALUES``: TOML values with commas between them, and ranges in equal steps or factors.

``1e-5,5e-5``, ``"a, b","c"``, ``["view"],["view","age"]``, ``4..64*2`` (4, 8, 16, 32, 64), ``0.1..0.3+0.1``.
``KEY+KEY=VALUES`` gives several settings one value, as both stages' ``network_dim``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dataset_tools.errors import UserError
from wrapper.project.load import parse_override

MOST_VALUES = 1000
_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})(?P<by>[*+])(?P<step>{_NUMBER})")
_STEPLESS = re.compile(rf"{_NUMBER}\.\.\.?{_NUMBER}(?:[-+*/:].*)?")
_CLOSING = {"[": "]", "{": "}"}
_EXAMPLE = "For example --grid stage_a.kohya.learning_rate=1e-5,5e-5,1e-4 or …network_dim=4..64*2."


@dataclass(frozen=True)
class Axis:
    """One setting of ``lorawrap.toml``, or several that go together, and its values in order."""

    keys: tuple[str, ...]
    values: tuple[Any, ...]

    def settings(self, place: int) -> dict[str, Any]:
        """The settings with the value that stands there."""
        return dict.fromkeys(self.keys, self.values[place])

    @property
    def place(self) -> str:
        """Where a value of it was given, for messages."""
        return f"--grid {'+'.join(self.keys)}"


def parse_axis(text: str) -> Axis:
    """``KEY=V1,V2,…``; what is not a TOML value is a string. Raises `UserError`."""
    key, separator, written = text.partition("=")
    keys, fields = tuple(part.strip() for part in key.split("+")), list(_fields(written))
    if not separator or not all(keys) or not all(fields):
        raise UserError(f"--grid {text}: expected KEY=VALUE,VALUE,…", _EXAMPLE)
    values = [value for field in fields for value in _values(key, field)]
    if len(values) > MOST_VALUES:
        raise UserError(f"--grid {key}: {len(values)} values; there can be {MOST_VALUES} at most.")
    return Axis(keys, tuple(values))


def _fields(text: str) -> Iterator[str]:
    """Cut at the commas that stand in no quotes and no brackets."""
    quote, inside, field, escaped = "", [], "", False
    for character in text:
        if quote:
            quote = "" if character == quote and not escaped else quote
            escaped = character == "\\" and quote == '"' and not escaped
        elif character == "," and not inside:
            yield field.strip()
            field = ""
            continue
        elif character in "\"'" and (inside or not field.strip()):
            quote = character
        elif character in _CLOSING:
            inside.append(_CLOSING[character])
        elif inside and character == inside[-1]:
            inside.pop()
        field += character
    yield field.strip()


def _values(key: str, field: str) -> list[Any]:
    found = _RANGE.fullmatch(field)
    if not found and _STEPLESS.fullmatch(field):
        said = f"--grid {key}={field}: a range says how it goes on, as 4..64*2 or 4..64+4."
        raise UserError(said, _EXAMPLE)
    return _ranged(key, found) if found else [parse_override(f"x={field}")[1]]


def _ranged(key: str, found: re.Match[str]) -> list[Any]:
    """The numbers of a range, none past its end; decimal, so that 0.1..0.3+0.1 are three."""
    low, high, step = (Decimal(found[name]) for name in ("low", "high", "step"))
    grows = step > 1 and low > 0 if found["by"] == "*" else step > 0
    if not grows or high < low:
        raise UserError(f"--grid {key}={found[0]}: does not come from {low} to {high}.", _EXAMPLE)
    numbers = []
    while low <= high and len(numbers) <= MOST_VALUES:
        numbers.append(low)
        low = low * step if found["by"] == "*" else low + step
    whole = not re.search(
        r"[.eE]", "".join(found[name] for name in ("low", "high", "step")).replace("..", "")
    )
    return [int(number) if whole else float(number) for number in numbers]
