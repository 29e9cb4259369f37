"""Where the values of a swept setting lie on an axis: evenly, by their logarithms, or as names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import pstdev
from typing import Any

from wrapper.curves import Tick, axis
from wrapper.sweep.outcome.shown import value_words

MOST_TICKS = 8
MOST_NAMES = 24
LOG_RATIO = 3.0
"""Values that span less than this are not taken for log-spaced."""
EVEN, UNEVEN = 0.05, 0.5
"""The spread of gaps by their mean: up to which they are even, and from which on they are not at all."""


@dataclass(frozen=True)
class ValueAxis:
    """``at`` gives a value's place, from 0 to 1; ``names``: the values have no order of their own."""

    at: Callable[[Any], float]
    ticks: list[Tick]
    log: bool
    names: bool


def value_axis(key: str, values: Sequence[Any]) -> ValueAxis | None:
    """The axis of the distinct ``values``; None for too many that are not numbers."""
    found = distinct(values)
    if all(map(_is_number, found)) and not key.endswith(".seed"):
        return _numbers(found, log=is_log(found))
    return _named(found) if len(found) <= MOST_NAMES else None


def distinct(values: Sequence[Any]) -> list[Any]:
    """Each value once: numbers by size, others as they come."""
    found = list({repr(value): value for value in values}.values())
    return sorted(found) if all(map(_is_number, found)) else found


def is_log(values: Sequence[float]) -> bool:
    """Whether the sorted ``values`` span a lot, and are about evenly spaced by their logarithms.

    >>> is_log([1e-5, 5e-5, 1e-4]), is_log([4, 8, 16, 32]), is_log([8, 24, 40]), is_log([0, 1, 10])
    (True, True, False, False)
    """
    if values[0] <= 0 or values[-1] / values[0] < LOG_RATIO:
        return False
    if len(values) == 2:
        return True
    plain, logs = _unevenness(values), _unevenness([math.log(value) for value in values])
    return plain > EVEN and (logs < plain or logs < UNEVEN)


def _unevenness(values: Sequence[float]) -> float:
    """The spread of the gaps by their mean."""
    gaps = [high - low for low, high in pairwise(values)]
    return pstdev(gaps) / (sum(gaps) / len(gaps))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(values: Sequence[float], *, log: bool) -> ValueAxis:
    scale: Callable[[float], float] = math.log if log else float
    low, high = scale(values[0]), scale(values[-1])
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    low, span = low - margin, high - low + 2 * margin

    def at(value: float) -> float:
        return (scale(value) - low) / span

    return ValueAxis(at, [Tick(at(one), f"{one:g}") for one in _ticks(values, log=log)], log, names=False)


def _ticks(values: Sequence[float], *, log: bool) -> list[float]:
    """The values themselves where they are few, else round ones between the first and the last."""
    if len(values) <= MOST_TICKS:
        return list(values)
    if not log:
        return [one for one in axis(values[0], values[-1]) if values[0] <= one <= values[-1]]
    powers = range(math.floor(math.log10(values[0])), math.ceil(math.log10(values[-1])) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        found = [float(f"{step}e{power}") for power in powers for step in steps]
        inside = [one for one in found if values[0] <= one <= values[-1]]
        if len(inside) > 2:
            return inside
    return [values[0], values[-1]]


def _named(values: Sequence[Any]) -> ValueAxis:
    places = {repr(value): (number + 0.5) / len(values) for number, value in enumerate(values)}

    def at(value: Any) -> float:
        return places[repr(value)]

    return ValueAxis(at, [Tick(at(value), value_words(value)) for value in values], log=False, names=True)
