"""Moiré: lone peaks in the spectrum that stand far above what is around them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

SIDE_PX = 512
LOWEST, HIGHEST = 0.08, 0.46
"""Band of frequencies that is looked at, in cycles a pixel."""
AXIS_BINS = 3
"""Bins beside the axes that are left out: borders, text and JPEG blocks lie there."""


def moire_peak(luma: npt.NDArray[np.float32]) -> float:
    """Height of the highest lone peak of [H, W], as log10 of its magnitude over its surroundings' median."""
    side = min(SIDE_PX, *luma.shape)
    if side < 64:
        return 0.0
    top, left = (luma.shape[0] - side) // 2, (luma.shape[1] - side) // 2
    patch = luma[top : top + side, left : left + side]
    window = np.hanning(side).astype(np.float32)
    spectrum = np.abs(np.fft.rfft2((patch - patch.mean()) * np.outer(window, window)))
    logs = np.log10(np.fft.fftshift(spectrum, axes=0) + 1.0).astype(np.float32)
    around = cv2.blur(logs, (15, 15))
    return float(np.max(np.where(_band(side), logs - around, 0.0)))


def _band(side: int) -> npt.NDArray[np.bool_]:
    down, across = np.fft.fftshift(np.fft.fftfreq(side))[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.hypot(down, across)
    off_axes = (np.abs(down) > AXIS_BINS / side) & (across > AXIS_BINS / side)
    return (radius > LOWEST) & (radius < HIGHEST) & off_axes
