"""A control image: ready-made or made from a photograph, brought to the size that is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wrapper.diffusion.conditions.conditions import Control, base_kind
from wrapper.diffusion.inpainting.region import Region, resize

if TYPE_CHECKING:
    import numpy as np

SAME_SHAPE = 0.01
"""Sides that differ by less than this share are of one shape."""


@dataclass(frozen=True)
class Seen:
    """The ``region`` of a photograph of size ``whole`` (width, height) that the model sees."""

    whole: tuple[int, int]
    region: Region


def control_image(control: Control) -> np.ndarray:
    """The image that the ControlNet follows, uint8 [H, W, 3]. Raises `UserError`."""
    from dataset_tools.pictures.images import read_rgb

    pixels = read_rgb(control.image)
    if control.preprocessor is None:
        return pixels
    from wrapper.diffusion.conditions.preprocessors import preprocess

    return preprocess(pixels, base_kind(control.kind), control.preprocessor)


def fitted(pixels: np.ndarray, size: tuple[int, int], seen: Seen | None = None) -> np.ndarray:
    """The control image at ``size`` (width, height).

    A control image belongs to the whole photograph: of it, the part is taken that the model sees.
    """
    if seen is None:
        return crop_and_resize(pixels, size)
    return resize(seen.region.cut(crop_and_resize(pixels, seen.whole)), size)


def crop_and_resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cover ``size`` (width, height), cut off what is over: A1111's "Crop and Resize"."""
    height, width = pixels.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    taken = min(width, round(size[0] / scale)), min(height, round(size[1] / scale))
    left, top = (width - taken[0]) // 2, (height - taken[1]) // 2
    return resize(pixels[top : top + taken[1], left : left + taken[0]], size)


def crop_note(name: str, pixels: np.ndarray, size: tuple[int, int]) -> str:
    """What is told of a control image whose shape is not that of ``size``; empty when nothing is cut off."""
    height, width = pixels.shape[:2]
    if abs(width * size[1] / (height * size[0]) - 1) < SAME_SHAPE:
        return ""
    return f"control '{name}': its image of {width}×{height} is cropped to the shape of {size[0]}×{size[1]}"
