"""The inside of a mask and the ring around it. Masks are bool [H, W]."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

EDGE_PX = 1
"""Pixels on either side of the edge that belong to the seam, not to the inside or the ring."""
RING_SHARE = 0.5
"""The ring's width over the radius of a disc as large as the mask."""
LEAST_RING_PX = 4


def inside(mask: np.ndarray) -> np.ndarray:
    """The mask without its edge; the whole mask where nothing else would be left."""
    import cv2

    core = cv2.erode(mask.astype("uint8"), _square(EDGE_PX), borderValue=1).astype(bool)
    return core if core.any() else mask


def ring(mask: np.ndarray) -> np.ndarray:
    """The surroundings: a band outside the mask's edge. Empty when the mask is the whole picture."""
    import cv2

    width_px = max(LEAST_RING_PX, round(RING_SHARE * (float(mask.sum()) / 3.14159) ** 0.5))
    near = cv2.dilate(mask.astype("uint8"), _square(EDGE_PX)).astype(bool)
    wide = cv2.dilate(mask.astype("uint8"), _square(EDGE_PX + width_px)).astype(bool)
    band = wide & ~near
    return band if band.any() else ~mask


def _square(reach_px: int) -> np.ndarray:
    import numpy as np

    return np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)
