"""Laying one thumbnail on another: the enhanced correlation coefficient (Evangelidis & Psarakis 2008)."""

from __future__ import annotations

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

_ROWS, _COLUMNS = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)


def aligned(part: Pixels, other: Pixels, place: Box, *, fine_too: bool) -> Floats | None:
    """The affine map from pixels of ``part`` to those of ``other``, [2, 3]; None when there is none.

    ``fine_too``: pictures that are all fine texture are aligned finer where the coarse size fails.
    """
    start = np.array(
        [[place.right - place.left, 0, place.left], [0, place.bottom - place.top, place.top]], np.float32
    )
    found = _ecc(part, other, start, COARSE_PX, COARSE_STEPS)
    if fine_too and (found is None or found[0] < SURE):
        fine = _ecc(part, other, start, FINE_PX, COARSE_STEPS)
        found = max((one for one in (found, fine) if one), key=lambda one: one[0], default=None)
    if found is None or found[0] < LOST:
        return None
    finer = _ecc(part, other, found[1], FINE_PX, FINE_STEPS)
    better = finer is not None and finer[0] >= found[0] - 0.1
    return _in_pixels(finer[1] if finer and better else found[1], SIDE_PX)


def _ecc(part: Pixels, other: Pixels, start: Floats, side_px: int, steps: int) -> tuple[float, Floats] | None:
    """(correlation, map in shares of the sides), or None when the search leaves the picture."""
    size = (side_px, side_px)
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (part, other)]
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, steps, 1e-4)
    try:
        value, warp = cv2.findTransformECC(
            *small, _in_pixels(start, side_px), cv2.MOTION_AFFINE, until, None, 5
        )
    except cv2.error as error:
        if error.code != cv2.Error.StsNoConv:
            raise
        return None
    shares = warp.copy()
    shares[:, 2] = (warp[:, 2] + 0.5 - 0.5 * (warp[:, 0] + warp[:, 1])) / side_px
    return float(value), shares


def _in_pixels(shares: Floats, side_px: int) -> Floats:
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
