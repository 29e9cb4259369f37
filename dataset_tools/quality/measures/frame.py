"""Parts of the frame that are no picture: bars at its sides, and the grey that a broken file leaves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
MOST_RANGE = 12
"""Grey levels from the darkest to the brightest pixel of a row that belongs to a bar."""
SAME_LEVEL = 4
"""So near to the first row's mean, a row belongs to the same bar."""
LEAST_STEP, LEAST_CHANGE = 6, 0.25
"""A bar ends in a straight line, a night sky does not: that share of the row behind it is so many grey levels
away from it."""
DEEPER, LEAST_AT_ONCE = range(4, 9), 0.6
"""Rows behind a bar, and how much of what changes up to there changes at once: less at a round subject."""
BLACK = 20
"""Up to this level, one of two bars may run into a dark part of the picture."""
LEAST_ROWS = 2
GREY, NEAR_GREY = 128, 2


def bars(luma: Pixels) -> float:
    """Share of the height or width of [H, W] that the narrower of two facing bars takes; 0 without two."""
    return max(_both(luma), _both(luma.T))


class _Bar(NamedTuple):
    rows: int
    level: float
    straight: bool
    """Whether it ends in a straight line."""


def _both(luma: Pixels) -> float:
    first = _bar(luma)
    if first is None or (other := _bar(luma[::-1])) is None or abs(first.level - other.level) > SAME_LEVEL:
        return 0.0
    one_is_enough = min(first.level, other.level) <= BLACK
    told = first.straight or other.straight if one_is_enough else first.straight and other.straight
    return min(first.rows, other.rows) / len(luma) if told else 0.0


def _bar(luma: Pixels) -> _Bar | None:
    """The bar at the top, if there may be one."""
    if int(luma[0].max()) - int(luma[0].min()) > MOST_RANGE:
        return None
    low, high = luma.min(axis=1).astype(int), luma.max(axis=1).astype(int)
    middle = (low + high) / 2
    part_of_bar = (high - low <= MOST_RANGE) & (np.abs(middle - middle[0]) <= SAME_LEVEL)
    rows = int(np.argmin(part_of_bar)) if not part_of_bar.all() else 0
    if rows < LEAST_ROWS:
        return None
    at_once = _changed(luma, rows + 1, middle[0])
    deeper = max(_changed(luma, rows + more, middle[0]) for more in DEEPER)
    return _Bar(rows, middle[0], at_once >= max(LEAST_CHANGE, LEAST_AT_ONCE * deeper))


def _changed(luma: Pixels, row: int, level: float) -> float:
    """The share of a row, or of the last one, that is another level."""
    return float((np.abs(luma[min(row, len(luma) - 1)].astype(int) - level) > LEAST_STEP).mean())


def grey_fill(luma: Pixels) -> float:
    """Share of the rows of [H, W] from the bottom up that are the middle grey alone.

    Decoders fill up with it what a broken file lacks; grey at the top too is a frame.
    """
    if abs(int(luma[-1, 0]) - GREY) > NEAR_GREY:
        return 0.0
    grey = (luma.min(axis=1) >= GREY - NEAR_GREY) & (luma.max(axis=1) <= GREY + NEAR_GREY)
    return 0.0 if grey[0] else float(np.argmin(grey[::-1]) / len(luma))
