"""Normalised correlation around each pixel of two pictures that lie on each other (Lewis 1995)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
FLOOR, FLOOR_SHARE = 3.0, 0.15
"""Detail that counts as none: so many grey levels, and such a share of the picture's own."""
LEAST_WEIGHT = 0.05


def without_broad(values: Floats, seen: Floats, sigma: float) -> Floats:
    """``values`` less what is broader than ``sigma``, 0 where ``seen`` is."""
    broad = blurred(values * seen, sigma) / np.maximum(blurred(seen, sigma), LEAST_WEIGHT)
    return (values - broad) * seen


def local_correlations(first: Floats, second: Floats, seen: Floats, sigma: float) -> Floats:
    """-1 to 1 for each pixel that ``seen`` marks with 1, and only those count: [N].

    ``sigma``, px, is the size of a place. What neither shows, less than the floor, agrees.
    """
    weight = np.maximum(blurred(seen, sigma), LEAST_WEIGHT)
    own, its, both = (
        blurred(one * other * seen, sigma) / weight
        for one, other in ((first, first), (second, second), (first, second))
    )
    own_floor, its_floor = (FLOOR**2 + (FLOOR_SHARE * level(one, seen)) ** 2 for one in (first, second))
    local = (both + np.sqrt(own_floor * its_floor)) / np.sqrt((own + own_floor) * (its + its_floor))
    return local[seen > 0]


def level(detail: Floats, seen: Floats) -> float:
    """Root mean square where ``seen`` is 1."""
    return float(np.sqrt((detail * detail * seen).sum() / seen.sum()))


def blurred(values: Floats, sigma: float) -> Floats:
    """Gaussian, sigma in pixels."""
    return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
