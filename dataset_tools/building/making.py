"""The files of one source: taken over from the build before where they are the same, else made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.building.build_settings import Output, PlannedImage
from dataset_tools.building.recipes import Earlier, recipes
from dataset_tools.errors import UserError
from dataset_tools.files import link_or_copy, write_text
from dataset_tools.masking.mask_plan import make_mask
from dataset_tools.pictures.buckets import Buckets
from dataset_tools.pictures.crop import apply as cut
from dataset_tools.pictures.crop import crop_by_words
from dataset_tools.pictures.images import read_rgb, save_png
from dataset_tools.pictures.masks import check_mask, dilated
from dataset_tools.pictures.relight import relit

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Making:
    """Where the files go, what pictures are cut to, and what the build before left."""

    folder: Path
    buckets: Buckets
    dilate_px: int
    earlier: Earlier


def files_of(image: PlannedImage) -> Iterator[str]:
    """The names of all that is made of ``image``."""
    for output in image.outputs:
        yield from filter(None, (output.image, output.caption_file, output.mask))


def make(image: PlannedImage, making: Making) -> None:
    """Put every file of ``image`` in its place; a source of which all is there is not read.

    Raises `UserError` when the image changed its size since QC and when a mask comes out empty.
    """
    made_from = recipes(image, making.buckets, making.dilate_px)
    new = {name for name, recipe in made_from if not _taken_over(name, recipe, making)}
    for output in image.outputs:
        if output.caption_file in new:
            write_text(making.folder / output.caption_file, output.caption + "\n")
    if any(output.image in new or output.mask in new for output in image.outputs):
        _make_pictures(image, new, making)


def _taken_over(name: str, recipe: str, making: Making) -> bool:
    same = making.earlier.same(name, recipe)
    if same is None:
        return False
    link_or_copy(making.earlier.folder / same, making.folder / name)
    return True


def _make_pictures(image: PlannedImage, new: set[str], making: Making) -> None:
    rgb = read_rgb(image.source)
    if image.size_hw is not None and rgb.shape[:2] != image.size_hw:
        raise UserError(
            f"{image.source}: {rgb.shape[1]} × {rgb.shape[0]} pixels, but {image.size_hw[1]} × "
            f"{image.size_hw[0]} in the QC results.",
            "Run 'lorawrap qc' again: the image changed.",
        )
    wants_mask = any(output.mask in new for output in image.outputs)
    mask = make_mask(image.mask, rgb) if image.mask and wants_mask else None
    for output in image.outputs:
        _make_output(output, image.source, rgb, mask, new, making)


def _make_output(
    output: Output, source: Path, rgb: np.ndarray, mask: np.ndarray | None, new: set[str], making: Making
) -> None:
    crop = output.crop or crop_by_words(rgb.shape[:2], "front", "bust", source.name, making.buckets)
    if output.image in new:
        small = _turned(cut(rgb, crop), output.mirrored)
        save_png(making.folder / output.image, relit(small, output.light) if output.light else small)
    if output.mask in new and output.mask is not None and mask is not None:
        small = dilated(cut(mask, crop, nearest=_is_hard(mask)), making.dilate_px)
        _check(small, source)
        save_png(making.folder / output.mask, _turned(small, output.mirrored))


def _check(mask: np.ndarray, source: Path) -> None:
    findings = check_mask(mask, mask.shape[:2], f"{source}, cut to {mask.shape[1]} × {mask.shape[0]} pixels")
    if findings.problems:
        raise UserError(findings.problems[0], "Change crop.context, masks.dilate_px or the mask itself.")


def _turned(array: np.ndarray, mirrored: bool) -> np.ndarray:
    return array[:, ::-1] if mirrored else array


def _is_hard(mask: np.ndarray) -> bool:
    """Whether the mask is black and white without greys between."""
    return bool(((mask == 0) | (mask == 255)).all())
