"""The part of a photograph that the model sees, and how large it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dataset_tools.errors import UserError
from wrapper.diffusion.pipelines.sides import SIDE_STEP

if TYPE_CHECKING:
    import numpy as np

MASKED = 128
"""Mask values from here on are repainted."""
Area = Literal["masked", "whole"]
"""What the model sees: a square about the mask (A1111's "Only masked"), or the whole picture."""


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
        """The rectangle out of an array [H, W, …]; a view."""
        return array[self.y0 : self.y1, self.x0 : self.x1]

    def within(self, outer: Region) -> Region:
        """The same rectangle, counted from the corner of ``outer``."""
        return Region(self.x0 - outer.x0, self.y0 - outer.y0, self.x1 - outer.x0, self.y1 - outer.y0)

    def grown(self, pixels: int, size_hw: tuple[int, ...]) -> Region:
        """``pixels`` more on every side, as far as a picture [H, W, …] of this shape reaches."""
        height, width = size_hw[:2]
        return Region(
            max(self.x0 - pixels, 0),
            max(self.y0 - pixels, 0),
            min(self.x1 + pixels, width),
            min(self.y1 + pixels, height),
        )

    def work_size(self, size_px: int) -> tuple[int, int]:
        """(width, height) near ``size_px``² in area, of the rectangle's shape, in steps of `SIDE_STEP`."""
        scale = size_px / (self.width * self.height) ** 0.5
        return _step(self.width * scale), _step(self.height * scale)


def check_mask(image: np.ndarray, mask: np.ndarray, name: str = "The mask") -> None:
    """Raise `UserError` when the mask has another size than the upright image, or nothing is masked."""
    if mask.shape[:2] != image.shape[:2]:
        raise UserError(
            f"{name} is {_size(mask)} pixels, the upright image {_size(image)}.",
            "Draw the mask on the image itself, at its own size.",
        )
    if not (mask >= MASKED).any():
        raise UserError(f"{name} is empty: no pixel is white.", "Paint the part to repaint white.")


def masked_box(mask: np.ndarray) -> Region:
    """The rectangle around the white part of ``mask`` [H, W], which must have one."""
    from dataset_tools.pictures.masks import mask_box

    box = mask_box(mask)
    assert box is not None, "check_mask refuses empty masks"
    return Region(*box)


def region_around(
    box: Region, size_hw: tuple[int, ...], *, context: float, padding_px: int | None = None
) -> Region:
    """A square around ``box``, as far as a picture [H, W, …] of this shape reaches.

    Its side is ``context`` × the longer side of the box, or that side plus ``padding_px`` on either side.
    """
    longer = max(box.width, box.height)
    side = round(longer * context) if padding_px is None else longer + 2 * padding_px
    y0, y1 = _span((box.y0 + box.y1) // 2, side, size_hw[0])
    x0, x1 = _span((box.x0 + box.x1) // 2, side, size_hw[1])
    return Region(x0, y0, x1, y1)


def resize(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize to (width, height): area-averaged when it gets smaller, cubic when it gets larger."""
    import cv2

    height, width = array.shape[:2]
    if (width, height) == size:
        return array
    shrinks = size[0] * size[1] < width * height
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _span(centre: int, side: int, limit: int) -> tuple[int, int]:
    """``side`` pixels about ``centre``, moved into 0..limit, and cut where the picture is shorter."""
    start = min(max(centre - side // 2, 0), max(limit - side, 0))
    return start, min(start + side, limit)


def _step(pixels: float) -> int:
    return max(SIDE_STEP, round(pixels / SIDE_STEP) * SIDE_STEP)


def _size(array: np.ndarray) -> str:
    return f"{array.shape[1]}×{array.shape[0]}"
