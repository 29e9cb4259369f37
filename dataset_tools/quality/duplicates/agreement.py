"""How well two thumbnails agree where they agree least, once one is laid on the other.

Aligned by the enhanced correlation coefficient (Evangelidis & Psarakis 2008); then local normalised
correlation (Lewis 1995) of their detail. A copy agrees everywhere, whatever its light; two photographs of
one session do not where somebody moved, however much of the background is the same.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.candidates import Candidate
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX
from dataset_tools.quality.duplicates.windows import Box, turn

Floats = npt.NDArray[np.float32]
COARSE_PX, COARSE_STEPS, FINE_STEPS = 48, 30, 15
SURE, LOST = 0.75, 0.5
"""Correlation after the coarse alignment: enough, or hopeless after the fine one too."""
LEAST_OVERLAP = 0.5
SOFT, DETAIL, LOCAL = 1.0, 8.0, 5.0
"""Sigmas in pixels: noise below the first, light above the second; the third is the size of a place."""
FLOOR, FLOOR_SHARE = 2.0, 0.3
"""Detail that counts as none: so many grey levels, and such a share of the picture's own."""
LEAST_DETAIL, LEAST_TEXTURED = 2.5, 0.1
"""Grey levels of detail, and the share of the picture that has some: with less, nothing can be told."""
WORST_SHARE = 2
"""Percent of the picture that may agree less."""

_AXIS = (np.arange(SIDE_PX) + 0.5) / SIDE_PX * 2 - 1
_SLOW = np.linalg.qr(np.stack([_AXIS**power for power in range(4)], axis=1))[0].T.astype(np.float32)
_SLOW_PAIRS = np.add.outer(range(4), range(4)) <= 3
_ROWS, _COLUMNS = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)


def agreement(candidate: Candidate, query: Pixels, other: Pixels) -> float:
    """0 to 1: the local correlation that all but the worst `WORST_SHARE` percent of the picture reach.

    0 also where the pictures cannot be aligned, overlap too little, or are too plain to tell.
    """
    part = turn(query, candidate.orientation)
    warp = _aligned(part, other, candidate.place)
    return 0.0 if warp is None else _worst_place(part, other, warp)


def _aligned(part: Pixels, other: Pixels, place: Box) -> Floats | None:
    """The affine map from pixels of ``part`` to those of ``other``, [2, 3]; None when there is none."""
    first = np.array(
        [[place.right - place.left, 0, place.left], [0, place.bottom - place.top, place.top]], np.float32
    )
    found = _ecc(part, other, first, COARSE_PX, COARSE_STEPS)
    if found is None or found[0] < SURE:
        fine = _ecc(part, other, first, SIDE_PX, COARSE_STEPS)
        found = max((one for one in (found, fine) if one), key=lambda one: one[0], default=None)
    if found is None or found[0] < LOST:
        return None
    finer = _ecc(part, other, found[1], SIDE_PX, FINE_STEPS)
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


def _worst_place(part: Pixels, other: Pixels, warp: Floats) -> float:
    seen = _overlap(warp)
    if seen.mean() < LEAST_OVERLAP:
        return 0.0
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(other, warp, (SIDE_PX, SIDE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    first, second = _detail(part, seen), _detail(laid, seen)
    return _correlation(first, second, seen)


def _correlation(first: Floats, second: Floats, seen: Floats) -> float:
    """Local correlation; what neither shows (less than the floor) counts as agreement."""
    own, its, both = (_blurred(one, LOCAL) for one in (first * first, second * second, first * second))
    levels = [np.sqrt((one * one).sum() / seen.sum()) for one in (first, second)]
    inside = seen > 0
    textured = (np.minimum(own, its)[inside] > (FLOOR + 1) ** 2).mean()
    if min(levels) < LEAST_DETAIL or textured < LEAST_TEXTURED:
        return 0.0
    own_floor, its_floor = (FLOOR**2 + (FLOOR_SHARE * level) ** 2 for level in levels)
    local = (both + np.sqrt(own_floor * its_floor)) / np.sqrt((own + own_floor) * (its + its_floor))
    return float(max(np.percentile(local[inside], WORST_SHARE), 0.0))


def _overlap(warp: Floats) -> Floats:
    """1 where a pixel of the part lies in the other picture, else 0."""
    inside = [
        (place > -0.7) & (place < SIDE_PX - 0.3)
        for place in (row[0] * _COLUMNS + row[1] * _ROWS + row[2] for row in warp)
    ]
    return (inside[0] & inside[1]).astype(np.float32)


def _detail(grey: Pixels, seen: Floats) -> Floats:
    """Without its light: neither a cubic surface (skies) nor what is broader than `DETAIL`."""
    values = grey.astype(np.float32)
    values -= _SLOW.T @ ((_SLOW @ values @ _SLOW.T) * _SLOW_PAIRS).astype(np.float32) @ _SLOW
    values = _blurred(values, SOFT)
    broad = _blurred(values * seen, DETAIL) / np.maximum(_blurred(seen, DETAIL), 0.05)
    return (values - broad) * seen


def _blurred(values: Floats, sigma: float) -> Floats:
    return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
