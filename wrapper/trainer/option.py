"""One option of the embedded trainer, and what is wrong with a value for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dataset_tools.errors import did_you_mean

Value = str | int | float | bool | list | None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("a string", lambda value: isinstance(value, str)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": ("a whole number", _is_int),
    "float": ("a number", _is_number),
    "strs": ("a list of strings", _is_list_of(lambda item: isinstance(item, str))),
    "floats": (
        "a number or a list of numbers",
        lambda value: _is_number(value) or _is_list_of(_is_number)(value),
    ),
    "size": (
        'a whole number, a list of two, or a string such as "512" or "512,768"',
        lambda value: parse_size(value) is not None,
    ),
}
"""What a type is called in a message, and its test. ``size`` is a resolution in pixels."""


@dataclass(frozen=True)
class Option:
    """A Kohya key. ``type`` is one of `TYPES`; ``minimum`` and ``maximum`` are inclusive.

    ``refusal`` says why a value outside ``choices`` is not honoured; ``levels`` are the tables of a dataset
    config where the key may stand (``general``, ``datasets``, ``subsets``), empty for a training option.
    """

    name: str
    type: str
    default: Value = None
    help: str = ""
    choices: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    refusal: str = ""
    levels: tuple[str, ...] = ()

    def fault(self, value: Any) -> str:
        """What is wrong with ``value`` (``must be …``), or an empty string."""
        title, test = TYPES[self.type]
        if not test(value):
            return f"must be {title}, not {value!r}"
        if self.choices and value not in self.choices:
            return self.refusal or f"must be one of {', '.join(map(repr, self.choices))}, not {value!r}"
        return self._range_fault(value)

    def _range_fault(self, value: Any) -> str:
        numbers = [item for item in (value if isinstance(value, list) else [value]) if _is_number(item)]
        if self.minimum is not None and any(number < self.minimum for number in numbers):
            return f"must be {self.minimum:g} or more, not {value!r}"
        if self.maximum is not None and any(number > self.maximum for number in numbers):
            return f"must be {self.maximum:g} or less, not {value!r}"
        return ""


def parse_size(value: Any) -> tuple[int, int] | None:
    """``512`` → ``(512, 512)``; ``"512,768"`` and ``[512, 768]`` → width 512, height 768; else None."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        value = [int(part) for part in parts] if all(part.isdecimal() for part in parts) else None
    sides = [value, value] if _is_int(value) else value
    if isinstance(sides, list) and len(sides) == 1:
        sides = sides * 2
    if not (
        isinstance(sides, list) and len(sides) == 2 and all(_is_int(side) and side > 0 for side in sides)
    ):
        return None
    return sides[0], sides[1]


def find_fault(
    name: str, value: Any, table: Mapping[str, Option], refused: Mapping[str, str] | None = None
) -> tuple[str, str] | None:
    """(what is wrong, what to do) for ``name = value``, or None when the embedded trainer honours it."""
    option = table.get(name)
    if option is not None:
        fault = option.fault(value)
        return (f"'{name}' {fault}.", "") if fault else None
    if refused and name in refused:
        return f"'{name}' is not supported by the embedded trainer: {refused[name]}.", "Leave it out."
    return f"'{name}' is not an option of the embedded trainer.", did_you_mean(name, table)
