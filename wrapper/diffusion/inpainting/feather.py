"""The soft edge of a repair: how much of the new picture each pixel takes, and laying it back.

Everything here goes through a large picture in bands of rows, so that only a band is ever made of floats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wrapper.diffusion.inpainting.region import MASKED, Region, masked_box

if TYPE_CHECKING:
    import numpy as np

BAND_PIXELS = 1 << 20


def feather(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Share of the new picture per pixel, float32 [H, W] in 0..1.

    1 inside the mask, falling as half a cosine wave to exactly 0 more than ``radius_px`` outside it.
    """
    import cv2
    import numpy as np

    inside = mask >= MASKED
    if radius_px == 0:
        return inside.astype(np.float32)
    if not inside.any():
        return np.zeros(mask.shape, np.float32)
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    fallen = np.clip(distance / (radius_px + 1), 0, 1)
    return np.where(distance > radius_px, 0, (1 + np.cos(np.pi * fallen)) / 2).astype(np.float32)


def feathered_box(mask: np.ndarray, radius_px: int) -> Region:
    """The rectangle outside of which `feather` is 0."""
    return masked_box(mask).grown(radius_px, mask.shape)


def feather_bands(mask: np.ndarray, box: Region, radius_px: int) -> Iterator[tuple[Region, np.ndarray]]:
    """`feather` inside ``box``, band by band: each with its rectangle of the picture."""
    rows = max(1, BAND_PIXELS // box.width, 2 * radius_px)
    for top in range(box.y0, box.y1, rows):
        band = Region(box.x0, top, box.x1, min(top + rows, box.y1))
        wide = band.grown(radius_px, mask.shape)
        yield band, band.within(wide).cut(feather(wide.cut(mask), radius_px))


def touched(mask: np.ndarray, region: Region, radius_px: int) -> np.ndarray:
    """uint8 [h, w] of ``region``: 255 where `feather` is more than 0."""
    import numpy as np

    found = np.zeros((region.height, region.width), np.uint8)
    for band, share in feather_bands(mask, feathered_box(mask, radius_px), radius_px):
        band.within(region).cut(found)[...] = np.where(share > 0, 255, 0)
    return found


def lay_back(pixels: np.ndarray, patch: np.ndarray, mask: np.ndarray, region: Region, radius_px: int) -> int:
    """Lay ``patch`` (uint8, of ``region``'s size) over ``pixels`` where `feather` says so, in place.

    Where it is 0, nothing is written. Returns how many pixels are other than before.
    """
    import numpy as np

    changed = 0
    for band, share in feather_bands(mask, feathered_box(mask, radius_px), radius_px):
        part, old, new = share[..., None], band.cut(pixels), band.within(region).cut(patch)
        mixed = np.rint(old * (1 - part) + new * part).astype(np.uint8)
        mixed = np.where(part > 0, mixed, old)
        changed += int((mixed != old).any(-1).sum())
        old[...] = mixed
    return changed
