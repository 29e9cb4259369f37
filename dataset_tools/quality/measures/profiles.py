"""A picture's steps or bends, averaged along its columns or rows, and the frequencies in them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]
ENOUGH_PX = 100_000
"""Pixels that each direction is averaged over."""
BAND_PX = 32
BINS = 4096
TREND_PX = 17
CLIP = 4 * 1.4826
"""Outliers end at four standard deviations, told from the median of the magnitudes."""
SURROUNDINGS = 128


def profiles(luma: Pixels, measured: Callable[[Pixels], Floats]) -> tuple[Floats, Floats]:
    """What ``measured`` makes of bands of uint8 [H, W], averaged: one value a column, and one a row."""
    step = max(luma.size // ENOUGH_PX, 1) * BAND_PX
    down, across = (range(0, max(length - BAND_PX, 1), step) for length in luma.shape)
    rows = [measured(luma[top : top + BAND_PX]) for top in down]
    columns = [measured(cv2.transpose(luma[:, left : left + BAND_PX])) for left in across]
    return np.mean(rows, axis=0, dtype=np.float64), np.mean(columns, axis=0, dtype=np.float64)


def spectrum(values: Floats) -> tuple[Floats, Floats]:
    """(power over its surroundings' median, amplitude) at `BINS` / 2 + 1 frequencies, 0 to 1/2 a pixel."""
    steps = values - cv2.blur(values.reshape(1, -1), (TREND_PX, 1)).ravel()
    limit = CLIP * float(np.median(np.abs(steps))) + 1e-9
    window = np.hanning(len(steps))
    amplitude = np.abs(np.fft.rfft(np.clip(steps, -limit, limit) * window, BINS)) / window.sum() * 2
    power = amplitude[:-1] ** 2
    medians = np.median(power.reshape(-1, SURROUNDINGS), axis=1)
    middles = np.arange(SURROUNDINGS // 2, BINS // 2, SURROUNDINGS)
    around = np.interp(np.arange(BINS // 2), middles, medians)
    return np.append(power / (around + 1e-12), 0.0), amplitude
