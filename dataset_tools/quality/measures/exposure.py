"""Light: how bright the brightest and how dark the darkest parts are, and how far apart."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

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


def tone_range(luma: npt.NDArray[np.uint8]) -> float:
    """Distance from the 1st to the 99th percentile of uint8 [H, W], in grey levels.

    ``luma`` is so small a copy that noise is averaged away: a blank frame is near 0.
    """
    levels = np.sort(luma.ravel())
    margin = len(levels) // 100
    return float(levels[-1 - margin]) - float(levels[margin])
