"""Enlarged pictures: detail that ends before the pixels do, and the traces of interpolation."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.quality.measures.profiles import BINS, profiles, spectrum

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]
SIDE_PX = 256
"""Side of the two patches, towards opposite corners, whose spectrum is looked at."""
RINGS = 20
LOWEST, HIGHEST = 0.19, 0.497
"""Frequencies, in cycles a pixel, of what interpolation by 2 to 5 leaves."""
GRID, NEAR_GRID = 8, 0.02
"""Multiples of 1/8 are left out: JPEG blocks have them too."""
MOST_PERIODIC = 8.0
STRONGEST = 60
REPEATED = 1.2
"""From here on repeated columns and rows are an enlargement and not chance."""
INNER, OUTER = slice(1, 4), slice(3, None)
"""Rings that the others are held against, and those others."""
OFFSET, PERIODIC = -35.82, 0.76
FALL = (
    4.68,
    -9.31,
    0.56,
    1.79,
    -0.6,
    1.29,
    -0.13,
    0.12,
    -1.12,
    -1.24,
    -1.34,
    -1.0,
    -0.69,
    -0.6,
    -1.39,
    -1.32,
    -1.84,
)
"""Logistic regression on the calibration photographs of benchmarks/qc, enlarged 1.5 to 4 times: the offset,
the weight of lone frequencies, and those of the log power of each outer ring."""
EMPTY = -0.7
"""log10 of a ring's power over what is expected, where there is no detail any more."""
LEAST_SIDE_PX, NO_SIGN = 64, -10.0
_BANDS = 8


class Resolution(NamedTuple):
    """``repeated``: by how much pixels were repeated, 1 for not at all. ``enlarged``: log odds."""

    repeated: float
    enlarged: float
    factor: float
    """By about how much it was enlarged, if it was: 1.2 to 5, 1 for not told."""


def resolution(luma: Pixels, power: Floats) -> Resolution:
    """Whether uint8 [H, W] was enlarged; ``power`` is its `power_spectrum`.

    Two signs: how the power falls from the inner to the outer rings of the spectrum, where detail ends; and
    lone frequencies in the mean second derivative of the columns and rows (Gallagher, "Detection of Linear
    and Cubic Interpolation in JPEG Compressed Images", CRV 2005).
    """
    if min(luma.shape) < LEAST_SIDE_PX:
        return Resolution(1.0, NO_SIGN, 1.0)
    repeated = min(_repeats(luma), _repeats(luma.T))
    logs = np.log10(_rings(power) + 1e-3)
    fall = logs[OUTER] - logs[INNER].mean()
    bends = [spectrum(one)[0] for one in profiles(luma, _bends)]
    periodic = float((sum(np.log1p(one) for one in bends) / 2)[_INTERPOLATED].max())
    enlarged = OFFSET + PERIODIC * min(periodic, MOST_PERIODIC) + float(fall @ FALL)
    return Resolution(repeated, enlarged, _factor(logs))


def _factor(logs: Floats) -> float:
    """From the first ring that lies far under the power law of the inner ones (Field, JOSA A 4 (1987))."""
    rings = np.log(np.arange(RINGS) + 0.5)
    expected = np.polyval(np.polyfit(rings[INNER], logs[INNER], 1), rings)
    empty = np.flatnonzero((logs - expected)[INNER.stop :] < EMPTY)
    return RINGS / float(empty[0] + INNER.stop) if empty.size else 1.0


def power_spectrum(luma: Pixels) -> Floats:
    """Sum of the power spectra of two patches of uint8 [H, W]: [N, N // 2 + 1], N up to `SIDE_PX`.

    All 0 for a picture that is too small to tell.
    """
    from scipy.fft import rfft2

    side = min(SIDE_PX, *luma.shape) // 2 * 2
    if side < LEAST_SIDE_PX:
        return np.zeros((side, side // 2 + 1), np.float32)
    down, across = (((length - side) // 4, (length - side) * 3 // 4) for length in luma.shape)
    window = _window(side)
    power = np.zeros((side, side // 2 + 1), np.float32)
    for top, left in zip(down, across, strict=True):
        patch = luma[top : top + side, left : left + side].astype(np.float32)
        waves = rfft2((patch - patch.mean()) * window)
        power += np.square(waves.real) + np.square(waves.imag)
    return power


@cache
def _window(side: int) -> Floats:
    return np.outer(np.hanning(side), np.hanning(side)).astype(np.float32)


def _rings(power: Floats) -> Floats:
    """Mean power in `RINGS` square rings around frequency 0."""
    ring, sizes = _ring_places(len(power))
    return np.bincount(ring, power.ravel(), RINGS) / sizes


@cache
def _ring_places(side: int) -> tuple[npt.NDArray[np.intp], Floats]:
    """(ring of every place of a spectrum, how many places each ring has)."""
    down, across = np.abs(np.fft.fftfreq(side)), np.fft.rfftfreq(side)
    furthest = np.maximum(down[:, None], across)
    ring = np.minimum((furthest * 2 * RINGS).astype(np.intp), RINGS - 1).ravel()
    return ring, np.maximum(np.bincount(ring, minlength=RINGS), 1)


def _bends(band: Pixels) -> Floats:
    """Mean magnitude of the second derivative across the columns."""
    bends = np.minimum(np.abs(cv2.Sobel(band, cv2.CV_16S, 2, 0, ksize=1)), STRONGEST)
    return cv2.reduce(bends, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()[1:-1]


def _repeats(luma: Pixels) -> float:
    """Columns between the first and the last that change, over those that change: a margin does not count."""
    rows = np.linspace(0, luma.shape[0] - 1, _BANDS * 8).astype(int)
    seen = np.ascontiguousarray(luma[rows])
    changed = np.flatnonzero(cv2.absdiff(seen[:, 1:], seen[:, :-1]).any(axis=0))
    if len(changed) < 2:
        return 1.0
    return float((changed[-1] - changed[0]) / (len(changed) - 1))


def _interpolated() -> npt.NDArray[np.bool_]:
    frequency = np.arange(BINS // 2 + 1) / BINS
    in_band = (frequency > LOWEST) & (frequency < HIGHEST)
    return in_band & (np.abs(frequency * GRID - np.round(frequency * GRID)) > NEAR_GRID)


_INTERPOLATED = _interpolated()
