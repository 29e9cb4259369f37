"""How well two aligned thumbnails agree where they agree least.

A copy agrees everywhere, whatever its light; two photographs of one session do not where somebody moved,
however much of the background is the same.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.alignment import finely_aligned, overlap, roughly_aligned
from dataset_tools.quality.duplicates.candidates import Candidate
from dataset_tools.quality.duplicates.glance import is_hopeful
from dataset_tools.quality.duplicates.local_correlation import (
    Floats,
    blurred,
    level,
    local_correlations,
    without_broad,
)
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX
from dataset_tools.quality.duplicates.windows import turn

CLOSE = 0.78
"""Candidates so much alike get a second alignment."""
LEAST_OVERLAP = 0.5
CLIPPED, DARK, LEAST_UNCLIPPED = 4, 80, 0.25
"""Grey levels that a clipped pixel has, and what it may have been; with less than
such a share left, clipped ones count too."""
SOFT, DETAIL, LOCAL = 1.0, 8.0, 5.0
"""Sigmas in pixels: below the first is noise, above the second is light; the third is the size of a place."""
LEAST_DETAIL, LEAST_TEXTURE, LEAST_TEXTURED = 2.5, 3.0, 0.1
"""Grey levels of detail in all, those in one place, and the share of places with so much: with less, nothing
can be told."""
WORST_SHARE = 2
"""Percent of the picture that may agree less."""

_AXIS = (np.arange(SIDE_PX) + 0.5) / SIDE_PX * 2 - 1
_SLOW = np.linalg.qr(np.stack([_AXIS**power for power in range(4)], axis=1))[0].T.astype(np.float32)
_SLOW_PAIRS = np.add.outer(range(4), range(4)) <= 3


def agreement(candidate: Candidate, query: Pixels, other: Pixels) -> float:
    """0 to 1: the correlation that all places but the worst `WORST_SHARE` percent reach.

    0 also where the pictures cannot be aligned, overlap too little, or are too plain to tell.
    """
    part = turn(query, candidate.orientation)
    rough = roughly_aligned(part, other, candidate.place, fine_too=candidate.similarity >= CLOSE)
    if rough is None or not is_hopeful(part, other, rough.shares):
        return 0.0
    return _worst_place(part, other, finely_aligned(part, other, rough))


def _worst_place(part: Pixels, other: Pixels, warp: Floats) -> float:
    seen = overlap(warp)
    if seen.mean() < LEAST_OVERLAP:
        return 0.0
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(other, warp, (SIDE_PX, SIDE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    unclipped = seen * ~_clipped(part, laid)
    seen = unclipped if unclipped.mean() >= LEAST_UNCLIPPED else seen
    first, second = _detail(part, seen), _detail(laid, seen)
    if not _comparable(first, second, seen):
        return 0.0
    return float(max(np.percentile(local_correlations(first, second, seen, LOCAL), WORST_SHARE), 0.0))


def _clipped(first: Pixels, second: Pixels) -> npt.NDArray[np.bool_]:
    """Where a copy that was made darker or lighter has lost what the other still shows, dark or light."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return ((low <= CLIPPED) & (high < DARK)) | ((high >= 255 - CLIPPED) & (low > 255 - DARK))


def _comparable(first: Floats, second: Floats, seen: Floats) -> bool:
    textured = np.minimum(blurred(first**2, LOCAL), blurred(second**2, LOCAL)) > LEAST_TEXTURE**2
    least = min(level(first, seen), level(second, seen))
    return bool(least >= LEAST_DETAIL and textured[seen > 0].mean() >= LEAST_TEXTURED)


def _detail(grey: Pixels, seen: Floats) -> Floats:
    """Without its light: neither a cubic surface (skies) nor what is broader than `DETAIL`."""
    values = grey.astype(np.float32)
    values -= _SLOW.T @ ((_SLOW @ values @ _SLOW.T) * _SLOW_PAIRS).astype(np.float32) @ _SLOW
    return without_broad(blurred(values, SOFT), seen, DETAIL)
