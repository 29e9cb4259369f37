"""Light: how bright the brightest and how dark the darkest parts are, how far apart, what is clipped."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

CLIPPED = 252
"""From this level on a pixel is white; a camera's and a JPEG's noise keep it under 255."""
SIDE = 0.04
"""Width of a side of the frame over the shorter side."""
WHITE_SIDE = 0.9, 1.0
"""Clipped shares of the sides between which a ground counts as more and more white."""
ENOUGH_PX = 50_000
"""Pixels that are counted, in rows over the whole height."""


class Exposure(NamedTuple):
    """All 0 to 1, higher is worse."""

    dark: float
    """1 − the 98th percentile of the luma: even the brightest parts are dark."""
    light: float
    """The 5th percentile: even the darkest parts are bright."""
    contrast: float
    """1 − the distance from the 2nd to the 98th percentile."""


def exposure(luma: npt.NDArray[np.uint8]) -> Exposure:
    """Exposure of uint8 [H, W]; a white or black ground behind a subject is no fault."""
    seen = np.ascontiguousarray(luma[:: max(luma.size // ENOUGH_PX, 1)])
    reached = np.cumsum(cv2.calcHist([seen], [0], None, [256], [0, 256]).ravel()) / seen.size
    low, fifth, high = np.searchsorted(reached, (0.02, 0.05, 0.98)) / 255
    return Exposure(dark=float(1 - high), light=float(fifth), contrast=float(1 - (high - low)))


def clipped(luma: npt.NDArray[np.uint8]) -> float:
    """Share of the middle half, in each direction, of uint8 [H, W] that is white: 0 to 1.

    Where three sides of the frame are white all over, the ground is, as in a studio or on a page: that takes
    off as much. Worked: half of the middle white, the sides not → 0.5; the sides too → 0.
    """
    white = cv2.threshold(luma, CLIPPED - 1, 1, cv2.THRESH_BINARY)[1]
    height, width = white.shape
    middle = white[height // 4 : height - height // 4, width // 4 : width - width // 4]
    side = max(round(min(height, width) * SIDE), 1)
    sides = (white[:side], white[-side:], white[:, :side], white[:, -side:])
    least = sorted(cv2.mean(part)[0] for part in sides)[1]
    ground = min(max((least - WHITE_SIDE[0]) / (WHITE_SIDE[1] - WHITE_SIDE[0]), 0.0), 1.0)
    return cv2.mean(middle)[0] * (1.0 - ground)


def tone_range(luma: npt.NDArray[np.uint8]) -> float:
    """Distance from the 1st to the 99th percentile of uint8 [H, W], in grey levels.

    ``luma`` is so small a copy that noise is averaged away: a blank frame is near 0.
    """
    levels = np.sort(luma.ravel())
    margin = len(levels) // 100
    return float(levels[-1 - margin]) - float(levels[margin])
