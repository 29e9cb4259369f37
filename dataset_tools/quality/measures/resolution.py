"""Enlarged pictures: detail that ends before the pixels do, and the traces of interpolation."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataset_tools.quality.measures.profiles import BENDS, BINS, Profile, Spectra

Floats = npt.NDArray[np.floating]
RINGS = 20
LOWEST, HIGHEST = 0.19, 0.497
"""Frequencies, in cycles a pixel, of what interpolation by 2 to 5 leaves."""
GRID, NEAR_GRID = 8, 0.02
"""Multiples of 1/8 are left out: JPEG blocks have them too."""
MOST_PERIODIC = 8.0
REPEATED = 1.2
"""From here on repeated columns and rows are an enlargement and not chance."""
INNER, OUTER = slice(1, 4), slice(3, None)
"""Rings that the others are held against, and those others."""
OFFSET, PERIODIC = -18.73, 0.93
FALL = (
    *(-0.07, -0.07, -0.05, 0.03, 0.01, -0.06, -0.27, -0.40, -0.55),
    *(-0.63, -0.68, -0.68, -0.66, -0.55, -0.53, -0.45, -0.39),
)
"""Logistic regression on the calibration photographs of benchmarks/qc, enlarged 1.5 to 4 times by six
methods, also under a JPEG or grain: the offset, the weight of lone frequencies, and those of the log power of
each outer ring."""
OCTAVES_OFFSET = -0.40
OCTAVES = (
    *(-0.046, -0.134, -0.184, -0.071, -0.066, -0.046, -0.147, -0.140, 0.022),
    *(-0.036, -0.093, -0.061, -0.011, 0.002, 0.031, 0.038, 0.086),
)
"""Linear regression on the same: log2 of the factor; a quarter of an octave off on other photographs."""
NO_SIGN = -10.0


class Resolution(NamedTuple):
    """``repeated``: by how much pixels were repeated, 1 for not at all. ``enlarged``: log odds."""

    repeated: float
    enlarged: float
    factor: float
    """By about how much it was enlarged, if it was; at least 1."""


UNKNOWN = Resolution(1.0, NO_SIGN, 1.0)


def resolution(across: Profile, down: Profile, found: Spectra, power: Floats) -> Resolution:
    """Whether a picture was enlarged: by its profiles, their spectra, and the `power_spectrum`.

    Two signs: how the power falls from the inner to the outer rings of the spectrum, where detail ends; and
    lone frequencies in the mean second derivative of the columns and rows (Gallagher, "Detection of Linear
    and Cubic Interpolation in JPEG Compressed Images", CRV 2005).
    """
    logs = np.log10(_rings(power) + 1e-3)
    fall = logs[OUTER] - logs[INNER].mean()
    periodic = float(found.logs[BENDS].mean(axis=0)[_INTERPOLATED].max())
    enlarged = OFFSET + PERIODIC * min(periodic, MOST_PERIODIC) + float(fall @ FALL)
    factor = 2 ** max(OCTAVES_OFFSET + float(fall @ OCTAVES), 0.0)
    return Resolution(min(_repeats(across.changed), _repeats(down.changed)), enlarged, factor)


def _rings(power: Floats) -> Floats:
    """Mean power in `RINGS` square rings around frequency 0."""
    order, starts, sizes = _ring_places(len(power))
    return np.add.reduceat(power.ravel()[order], starts) / sizes


@cache
def _ring_places(side: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """(the places of a spectrum ring by ring, where each ring starts among them, how many it has)."""
    frequency = np.abs(np.fft.fftshift(np.fft.fftfreq(side)))
    furthest = np.maximum(frequency[:, None], frequency)
    ring = np.minimum((furthest * 2 * RINGS).astype(np.intp), RINGS - 1).ravel()
    sizes = np.bincount(ring, minlength=RINGS)
    return np.argsort(ring, kind="stable"), np.cumsum(sizes) - sizes, sizes.astype(np.float32)


def _repeats(changed: npt.NDArray[np.bool_]) -> float:
    """Columns between the first and the last that change, over those that change: a margin does not count."""
    places = np.flatnonzero(changed)
    if len(places) < 2:
        return 1.0
    return float((places[-1] - places[0]) / (len(places) - 1))


def _interpolated() -> npt.NDArray[np.bool_]:
    frequency = np.arange(BINS // 2 + 1) / BINS
    in_band = (frequency > LOWEST) & (frequency < HIGHEST)
    return in_band & (np.abs(frequency * GRID - np.round(frequency * GRID)) > NEAR_GRID)


_INTERPOLATED = _interpolated()
