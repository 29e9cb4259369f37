"""Parts of the frame that are no picture: bars at its sides, and the grey that a broken file leaves."""

from __future__ import annotations

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
LEAST_ROWS = 2
GREY, NEAR_GREY = 128, 2


def bars(luma: Pixels) -> float:
    """Share of the height or width of [H, W] that the narrower of two facing bars takes; 0 without two."""
    return max(_both(luma), _both(luma.T))


def _both(luma: Pixels) -> float:
    first = _bar(luma)
    return min(first, _bar(luma[::-1])) if first else 0.0


def _bar(luma: Pixels) -> float:
    """Share of the rows that a bar at the top takes, 0 for none."""
    if int(luma[0].max()) - int(luma[0].min()) > MOST_RANGE:
        return 0.0
    low, high = luma.min(axis=1).astype(int), luma.max(axis=1).astype(int)
    middle = (low + high) / 2
    part_of_bar = (high - low <= MOST_RANGE) & (np.abs(middle - middle[0]) <= SAME_LEVEL)
    rows = int(np.argmin(part_of_bar)) if not part_of_bar.all() else 0
    behind = min(rows + 1, len(luma) - 1)
    changed = np.abs(luma[behind].astype(int) - middle[0]) > LEAST_STEP
    return rows / len(luma) if rows >= LEAST_ROWS and changed.mean() >= LEAST_CHANGE else 0.0


def grey_fill(luma: Pixels) -> float:
    """Share of the rows of [H, W] from the bottom up that are the middle grey alone.

    Decoders fill up with it what a broken file lacks; grey at the top too is a frame.
    """
    if abs(int(luma[-1, 0]) - GREY) > NEAR_GREY:
        return 0.0
    grey = (luma.min(axis=1) >= GREY - NEAR_GREY) & (luma.max(axis=1) <= GREY + NEAR_GREY)
    return 0.0 if grey[0] else float(np.argmin(grey[::-1]) / len(luma))
