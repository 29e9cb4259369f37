"""Moiré: lone peaks in the spectrum that stand far above what is around them."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

LOWEST, HIGHEST = 0.08, 0.46
"""Band of frequencies that is looked at, in cycles a pixel."""
AXIS_BINS = 2
"""Bins beside the axes that are left out: borders, text and JPEG blocks lie there."""
AROUND_BINS = 9


def moire_peak(power: npt.NDArray[np.floating]) -> float:
    """Highest lone peak of a `power_spectrum` [N, N]: log10 of its magnitude over those around."""
    side = len(power)
    logs = cv2.log(power + np.float32(1))
    above = cv2.subtract(logs, cv2.blur(logs, (AROUND_BINS, AROUND_BINS)))
    return float(cv2.multiply(above, _band(side)).max()) / (2 * np.log(10))


@cache
def _band(side: int) -> npt.NDArray[np.float32]:
    across = np.fft.fftshift(np.fft.fftfreq(side))
    down = across[:, None]
    radius = np.hypot(down, across)
    off_axes = (np.abs(down) > AXIS_BINS / side) & (np.abs(across) > AXIS_BINS / side)
    return ((radius > LOWEST) & (radius < HIGHEST) & off_axes).astype(np.float32)
