"""How a mask is asked for (files, drawn shapes, Segment Anything, all together), and making it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from dataset_tools.pictures.shapes import Length, Shape, draw_shape, refuse_outside, to_pixels
from wrapper.diffusion.inpainting.feather import touched
from wrapper.diffusion.inpainting.region import MASKED, Region, check_mask

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SamRequest:
    """What Segment Anything is asked: ``model`` is its folder; points are x, y, the box x0, y0, x1, y1."""

    model: str
    points: tuple[tuple[Length, ...], ...] = ()
    negative_points: tuple[tuple[Length, ...], ...] = ()
    box: tuple[Length, ...] | None = None


@dataclass(frozen=True)
class MaskRequest:
    """Everything that is white in any of these; then inverted, then grown (or shrunk, below 0).

    ``seed`` is for ear shapes.
    """

    files: tuple[Path, ...] = ()
    shapes: tuple[Shape, ...] = ()
    sam: SamRequest | None = None
    invert: bool = False
    grow_px: int = 0
    seed: int = 0

    def __bool__(self) -> bool:
        return bool(self.files or self.shapes or self.sam)


def make_mask(request: MaskRequest, image: np.ndarray) -> np.ndarray:
    """uint8 [H, W] for the upright ``image`` [H, W, 3], 0 or 255.

    Raises `UserError` for files of another size, coordinates outside, and a mask that comes out empty.
    """
    import numpy as np

    mask = np.zeros(image.shape[:2], np.uint8)
    for part in _parts(request, image):
        mask[part >= MASKED] = 255
    if request.invert:
        np.subtract(255, mask, out=mask)
    check_mask(image, mask)
    return _grown(mask, request.grow_px)


def _parts(request: MaskRequest, image: np.ndarray) -> Iterator[np.ndarray]:
    from dataset_tools.pictures.images import read_mask

    for path in request.files:
        mask = read_mask(path)
        check_mask(image, mask, f"{path}: the mask")
        yield mask
    for shape in request.shapes:
        yield draw_shape(shape, image.shape[:2], request.seed)
    if request.sam:
        yield _by_sam(request.sam, image)


def _by_sam(request: SamRequest, image: np.ndarray) -> np.ndarray:
    from dataset_tools.pictures.sam import sam_mask

    size = image.shape[:2]
    points = [_point(point, size, "--point") for point in request.points]
    negative = [_point(point, size, "--negative-point") for point in request.negative_points]
    box = _box(request.box, size) if request.box else None
    mask = sam_mask(image, points, box, request.model, negative)
    if not mask.any():
        raise UserError(
            "Segment Anything found nothing there.", "Give more points, or a --box about the part to repaint."
        )
    return mask


def _point(lengths: tuple[Length, ...], size_hw: tuple[int, int], option: str) -> tuple[int, int]:
    (point,) = to_pixels(lengths, size_hw)
    refuse_outside(point, size_hw, option)
    return round(point[0]), round(point[1])


def _box(lengths: tuple[Length, ...], size_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    (x0, y0), (x1, y1) = (_point(lengths[at : at + 2], size_hw, "--box") for at in (0, 2))
    if not (x0 < x1 and y0 < y1):
        raise UserError(f"--box {x0},{y0},{x1},{y1}: has no area.", "Write X0,Y0,X1,Y1.")
    return x0, y0, x1, y1


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """``mask`` grown by a disc of this radius, or shrunk by one where ``pixels`` is below 0."""
    everything = Region(0, 0, mask.shape[1], mask.shape[0])
    if pixels > 0:
        return touched(mask, everything, pixels)
    if pixels == 0 or mask.all():
        return mask
    kept = 255 - touched(255 - mask, everything, -pixels)
    if not kept.any():
        raise UserError(f"--mask-grow {pixels}: shrinking leaves nothing of the mask.", "Shrink it by less.")
    return kept
