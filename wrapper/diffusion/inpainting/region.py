"""The part of a photograph that the model sees: cut out around the mask, and pasted back feathered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np

MASKED = 128
"""Mask values from here on are repainted."""
SIDE_STEP = 8
"""Sides that a U-Net and its VAE take are multiples of this."""


@dataclass(frozen=True)
class Region:
    """A rectangle in pixels, ``x1`` and ``y1`` exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    def cut(self, array: np.ndarray) -> np.ndarray:
        """The rectangle out of an array [H, W, …]."""
        return array[self.y0 : self.y1, self.x0 : self.x1]

    def work_size(self, size_px: int) -> tuple[int, int]:
        """(width, height) near ``size_px``² in area, of the rectangle's shape, in steps of `SIDE_STEP`."""
        scale = size_px / (self.width * self.height) ** 0.5
        return _step(self.width * scale), _step(self.height * scale)


def check_mask(image: np.ndarray, mask: np.ndarray) -> None:
    """Raise `UserError` when the mask has another size than the upright image, or nothing is masked."""
    if mask.shape[:2] != image.shape[:2]:
        raise UserError(
            f"The mask is {_size(mask)} pixels, the upright image {_size(image)}.",
            "Draw the mask on the image itself, at its own size.",
        )
    if not (mask >= MASKED).any():
        raise UserError("The mask is empty: no pixel is white.", "Paint the part to repaint white.")


def feather(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Share of the new picture per pixel, float32 [H, W] in 0..1.

    1 inside the mask, falling as half a cosine wave to exactly 0 more than ``radius_px`` outside it.
    """
    import cv2
    import numpy as np

    inside = mask >= MASKED
    if radius_px == 0:
        return inside.astype(np.float32)
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    fallen = np.clip(distance / (radius_px + 1), 0, 1)
    return np.where(distance > radius_px, 0, (1 + np.cos(np.pi * fallen)) / 2).astype(np.float32)


def region_around(touched: np.ndarray, *, context: float, padding_px: int | None = None) -> Region:
    """A square around the touched pixels (bool [H, W]), as far as the picture reaches.

    Its side is ``context`` × the longer side of their box, or that side plus ``padding_px`` on either side.
    """
    import numpy as np

    rows, columns = np.flatnonzero(touched.any(1)), np.flatnonzero(touched.any(0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    longer = max(bottom - top, right - left)
    side = round(longer * context) if padding_px is None else longer + 2 * padding_px
    y0, y1 = _span((top + bottom) // 2, side, touched.shape[0])
    x0, x1 = _span((left + right) // 2, side, touched.shape[1])
    return Region(x0, y0, x1, y1)


def resize(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize to (width, height): area-averaged when it gets smaller, cubic when it gets larger."""
    import cv2

    height, width = array.shape[:2]
    if (width, height) == size:
        return array
    shrinks = size[0] * size[1] < width * height
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def paste(image: np.ndarray, patch: np.ndarray, share: np.ndarray, region: Region) -> np.ndarray:
    """A copy of ``image`` with ``patch`` over ``region`` by ``share``; where that is 0 nothing changes."""
    import numpy as np

    result = image.copy()
    old, part = region.cut(image), region.cut(share)[..., None]
    mixed = np.rint(old * (1 - part) + patch * part).astype(np.uint8)
    region.cut(result)[...] = np.where(part > 0, mixed, old)
    return result


def _span(centre: int, side: int, limit: int) -> tuple[int, int]:
    """``side`` pixels about ``centre``, moved into 0..limit, and cut where the picture is shorter."""
    start = min(max(centre - side // 2, 0), max(limit - side, 0))
    return start, min(start + side, limit)


def _step(pixels: float) -> int:
    return max(SIDE_STEP, round(pixels / SIDE_STEP) * SIDE_STEP)


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]}×{array.shape[0]}"
