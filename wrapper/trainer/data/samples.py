"""An image and its mask, resized and cut to their bucket together, to the pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dataset_tools.errors import UserError
from wrapper.trainer.data.batches import Sight
from wrapper.trainer.data.buckets import Placement, crop_box


@dataclass(frozen=True)
class Sample:
    """``image`` uint8 [H, W, 3]; ``mask`` uint8 [H, W], 255 where the picture is repainted, or None.

    ``time_ids`` are SDXL's six: original height, width; crop top, left; target height, width (pixels).
    """

    image: np.ndarray
    mask: np.ndarray | None
    time_ids: tuple[int, int, int, int, int, int]


def load_sample(sight: Sight, *, need_mask: bool) -> Sample:
    """Decode, resize, cut, mirror, and take the mask's variant of that.

    A regularisation image without a mask is white all over.
    """
    from dataset_tools.pictures.images import read_mask, read_rgb
    from dataset_tools.pictures.mask_variants import vary

    picture = sight.picture
    image = fit(read_rgb(picture.image), picture.placement, sight.crop)
    mask = None
    if need_mask and picture.mask is not None:
        mask = fit(read_mask(picture.mask), picture.placement, sight.crop)
        if not mask.any():
            raise UserError(f"{picture.mask}: the mask has no white pixel, so there is nothing to repaint.")
    elif need_mask:
        mask = np.full(image.shape[:2], 255, np.uint8)
    if sight.flipped:
        image = np.ascontiguousarray(image[:, ::-1])
        mask = None if mask is None else np.ascontiguousarray(mask[:, ::-1])
    if mask is not None:
        mask = vary(mask, sight.change, sight.variant)
    return Sample(image, mask, _time_ids(sight))


def fit(array: np.ndarray, placement: Placement, crop: tuple[float, float] | None = None) -> np.ndarray:
    """Resize to ``placement.resized`` and cut ``placement.bucket`` out, at the centre or at ``crop``.

    Area averaging when it shrinks, Lanczos when it grows, as sd-scripts does.
    """
    import cv2
    from PIL import Image

    height, width = array.shape[:2]
    resized = placement.resized
    if (width, height) != resized:
        if width >= resized[0] and height >= resized[1]:
            array = cv2.resize(array, resized, interpolation=cv2.INTER_AREA)
        else:
            array = np.asarray(Image.fromarray(array).resize(resized, Image.Resampling.LANCZOS))
    spare = (resized[0] - placement.bucket[0], resized[1] - placement.bucket[1])
    left, top = (
        (spare[0] // 2, spare[1] // 2)
        if crop is None
        else (round(crop[0] * spare[0]), round(crop[1] * spare[1]))
    )
    return np.ascontiguousarray(array[top : top + placement.bucket[1], left : left + placement.bucket[0]])


def _time_ids(sight: Sight) -> tuple[int, int, int, int, int, int]:
    picture = sight.picture
    width, height = picture.placement.bucket
    left, top, right, _ = crop_box((width, height), picture.size)
    start = width - right if sight.flipped else left
    return picture.size[1], picture.size[0], int(top), int(start), height, width
