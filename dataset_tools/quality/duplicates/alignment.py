"""Laying one thumbnail on another: the enhanced correlation coefficient (Evangelidis & Psarakis 2008)."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX
from dataset_tools.quality.duplicates.windows import Box

Floats = npt.NDArray[np.float32]
COARSE_PX, COARSE_STEPS = 48, 20
FINE_PX, FINE_STEPS = 80, 10
SURE, LOST = 0.75, 0.6
"""Correlation after an alignment: enough, or hopeless."""


class Rough(NamedTuple):
    """How well two pictures correlate under a map in shares of their sides, [2, 3]."""

    correlation: float
    shares: Floats


_ROWS, _COLUMNS = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)


def roughly_aligned(part: Pixels, other: Pixels, place: Box, *, fine_too: bool) -> Rough | None:
    """The affine map from ``part`` to ``other``, or None when there is none.

    ``fine_too``: pictures that are all fine texture are aligned finer where the coarse size fails.
    """
    start = np.array(
        [[place.right - place.left, 0, place.left], [0, place.bottom - place.top, place.top]], np.float32
    )
    found = _ecc(part, other, start, COARSE_PX, COARSE_STEPS)
    if fine_too and (found is None or found.correlation < SURE):
        fine = _ecc(part, other, start, FINE_PX, COARSE_STEPS)
        found = max((one for one in (found, fine) if one), key=lambda one: one.correlation, default=None)
    return None if found is None or found.correlation < LOST else found


def finely_aligned(part: Pixels, other: Pixels, rough: Rough) -> Floats:
    """The map from pixels of ``part`` to those of ``other``, [2, 3]."""
    finer = _ecc(part, other, rough.shares, FINE_PX, FINE_STEPS)
    better = finer is not None and finer.correlation >= rough.correlation - 0.1
    return in_pixels(finer.shares if finer and better else rough.shares, SIDE_PX)


def _ecc(part: Pixels, other: Pixels, start: Floats, side_px: int, steps: int) -> Rough | None:
    """None when the search leaves the picture."""
    size = (side_px, side_px)
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (part, other)]
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, steps, 1e-4)
    try:
        value, warp = cv2.findTransformECC(
            *small, in_pixels(start, side_px), cv2.MOTION_AFFINE, until, None, 5
        )
    except cv2.error as error:
        if error.code != cv2.Error.StsNoConv:
            raise
        return None
    shares = warp.copy()
    shares[:, 2] = (warp[:, 2] + 0.5 - 0.5 * (warp[:, 0] + warp[:, 1])) / side_px
    return Rough(float(value), shares)


def in_pixels(shares: Floats, side_px: int) -> Floats:
    """A map of shares of the sides as one of pixels, whose centres lie at halves."""
    warp = shares.copy()
    warp[:, 2] = side_px * shares[:, 2] + 0.5 * (shares[:, 0] + shares[:, 1]) - 0.5
    return warp


def overlap(warp: Floats) -> Floats:
    """1 where a pixel of the part lies in the other picture, else 0."""
    inside = [
        (place > -0.7) & (place < SIDE_PX - 0.3)
        for place in (row[0] * _COLUMNS + row[1] * _ROWS + row[2] for row in warp)
    ]
    return (inside[0] & inside[1]).astype(np.float32)
