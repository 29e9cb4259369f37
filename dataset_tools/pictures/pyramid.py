"""One picture at the sizes that the measures look at: each made once."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from dataset_tools.pictures.images import Pixels

LARGE_PX = 640
"""From twice this short side on, a picture is measured at a smaller size: that of training, not of the
sensor."""


class Pyramid(NamedTuple):
    """uint8: ``rgb`` [H, W, 3] and ``luma`` [H, W]; ``half`` and ``quarter`` are the luma averaged down."""

    rgb: Pixels
    luma: Pixels
    half: Pixels
    quarter: Pixels


def reduction_of(short_side_px: int) -> int:
    """By which power of two a picture is averaged down before it is measured."""
    return 2 ** max((short_side_px // LARGE_PX).bit_length() - 1, 0)


def pyramid(rgb: Pixels) -> Pyramid:
    """The sizes of uint8 [H, W, 3]."""
    reduction = reduction_of(min(rgb.shape[:2]))
    seen = halved(rgb, reduction) if reduction > 1 else np.ascontiguousarray(rgb)
    luma = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    half = halved(luma)
    return Pyramid(seen, luma, half, halved(half))


def halved(pixels: Pixels, factor: int = 2) -> Pixels:
    """Averaged down by a whole ``factor``; rows and columns left over are cut off."""
    rows, columns = (max(side // factor, 1) for side in pixels.shape[:2])
    whole = pixels[: rows * factor, : columns * factor]
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
