"""Carry out a plan: the whole dataset folder appears at once, or nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.building.build_plan import plan
from dataset_tools.building.build_settings import BuildPlan, BuildSettings, MaskPlan, Output, PlannedImage
from dataset_tools.building.dataset import RECORD_FILE, BuiltDataset, read_dataset, write_dataset
from dataset_tools.building.overview import write_overview
from dataset_tools.building.ownership import refuse_to_lose, write_ownership
from dataset_tools.errors import UserError
from dataset_tools.files import whole_folder, write_text
from dataset_tools.pictures.crop import apply as cut
from dataset_tools.pictures.crop import crop_by_words
from dataset_tools.pictures.images import read_mask, read_rgb, save_png
from dataset_tools.pictures.masks import check_mask, dilated, synthetic_mask
from dataset_tools.pictures.sam import sam_mask
from dataset_tools.processors import usable
from dataset_tools.progress import progress

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BuildPlan", "BuildSettings", "apply", "plan", "up_to_date"]
MAX_WORKERS = 8


def apply(planned: BuildPlan, folder: Path) -> BuiltDataset:
    """Write ``folder`` as planned and return its record; when it is up to date nothing is written.

    Raises `UserError` when the folder holds files that are not a build's own, when an image changed since QC,
    and when a mask comes out empty.
    """
    if up_to_date(planned, folder):
        return read_dataset(folder)
    refuse_to_lose(folder, [image.source for image in planned.images])
    with whole_folder(folder) as new:
        _write_images(planned, new)
        write_dataset(new, planned.built)
        write_overview(planned.built, new)
        write_ownership(new)
    return planned.built


def up_to_date(planned: BuildPlan, folder: Path) -> bool:
    """Whether ``folder`` was built from exactly this plan and still has all its files."""
    if not (folder / RECORD_FILE).is_file() or read_dataset(folder).key != planned.built.key:
        return False
    return all((folder / path).is_file() for image in planned.images for path in _files_of(image))


def _files_of(image: PlannedImage) -> Iterator[str]:
    for output in image.outputs:
        yield from filter(None, (output.image, output.caption_file, output.mask))


def _write_images(planned: BuildPlan, folder: Path) -> None:
    """Decoding, resizing and PNG compression leave Python's lock, so threads do them side by side."""
    by_model = any(image.mask and image.mask.source == "sam" for image in planned.images)
    workers = 1 if by_model else min(MAX_WORKERS, usable())
    with (
        progress("Building", len(planned.images)) as bar,
        ThreadPoolExecutor(workers) as pool,
    ):
        jobs = [pool.submit(_write_image, image, planned, folder) for image in planned.images]
        try:
            for job in jobs:
                job.result()
                bar.advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_image(image: PlannedImage, planned: BuildPlan, folder: Path) -> None:
    rgb = read_rgb(image.source)
    if image.size_hw is not None and rgb.shape[:2] != image.size_hw:
        raise UserError(
            f"{image.source}: {rgb.shape[1]} × {rgb.shape[0]} pixels, but {image.size_hw[1]} × "
            f"{image.size_hw[0]} in the QC results.",
            "Run 'lorawrap qc' again: the image changed.",
        )
    mask = make_mask(image.mask, rgb) if image.mask else None
    for output in image.outputs:
        _write_output(output, image.source, rgb, mask, planned, folder)


def make_mask(how: MaskPlan, rgb: np.ndarray) -> np.ndarray:
    """The mask uint8 [H, W] for ``rgb`` [H, W, 3]: read, drawn, or by SAM from the box and its middle."""
    if how.path is not None:
        return read_mask(how.path)
    if how.source == "synthetic":
        return synthetic_mask(rgb.shape[:2], how.box, how.seed)
    middle = ((how.box[0] + how.box[2]) // 2, (how.box[1] + how.box[3]) // 2)
    return sam_mask(rgb, [middle], how.box, how.model)


def _write_output(
    output: Output, source: Path, rgb: np.ndarray, mask: np.ndarray | None, planned: BuildPlan, folder: Path
) -> None:
    size = planned.built.size
    crop = output.crop or crop_by_words(rgb.shape[:2], "front", "bust", source.name)
    save_png(folder / output.image, _turned(cut(rgb, crop, size), output.mirrored))
    if output.caption_file is not None:
        write_text(folder / output.caption_file, output.caption + "\n")
    if output.mask is not None and mask is not None:
        small = dilated(cut(mask, crop, size, nearest=_is_hard(mask)), planned.dilate_px)
        _check(small, source)
        save_png(folder / output.mask, _turned(small, output.mirrored))


def _check(mask: np.ndarray, source: Path) -> None:
    findings = check_mask(mask, mask.shape[:2], f"{source}, cut to {mask.shape[1]} × {mask.shape[0]} pixels")
    if findings.problems:
        raise UserError(findings.problems[0], "Change crop.context, masks.dilate_px or the mask itself.")


def _turned(array: np.ndarray, mirrored: bool) -> np.ndarray:
    return array[:, ::-1] if mirrored else array


def _is_hard(mask: np.ndarray) -> bool:
    """Whether the mask is black and white without greys between."""
    return bool(((mask == 0) | (mask == 255)).all())
