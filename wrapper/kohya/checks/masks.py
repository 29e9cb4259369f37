"""Masks beside the images: one each, of the right size and polarity, and where sd-scripts puts them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dataset_tools.pictures.buckets import Size
from dataset_tools.wording import some
from wrapper.kohya.checks.grouped import Grouped
from wrapper.kohya.checks.mask_pictures import Mask, look_at_masks
from wrapper.kohya.checks.sizes import cached, fit
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView, list_images

INPAINT = "train_network_inpaint"
ALMOST_BLACK = 8
DARK = 128
_HALF_PIXEL = 0.5


def check_masks(view: SubsetView, sizes: Mapping[Path, Size], script: str, findings: Findings) -> None:
    """``sizes`` are the images' real ones, in pixels."""
    folder = view.mask_folder
    if folder is None:
        return
    where = view.where("conditioning_data_dir")
    if not folder.is_dir():
        findings.error(where, f"there is no folder {folder}.")
        return
    if folder.absolute() == view.folder.absolute():
        findings.warn(where, "image_dir and conditioning_data_dir are the same: each image is its own mask.")
    masks = _check_pairs(view, folder, findings)
    paired = {image: masks[image.stem] for image in sizes if image.stem in masks}
    grouped = Grouped(findings, where)
    looks = look_at_masks(list(paired.values()), red_only=script != INPAINT)
    for (image, path), mask in zip(paired.items(), looks, strict=True):
        _check_mask(path, mask, sizes[image], view, script, grouped)
    grouped.report()
    _check_polarity(dict(zip(paired.values(), looks, strict=True)), where, findings)
    if script != INPAINT:
        _check_alignment(view, {paired[image]: sizes[image] for image in paired}, findings)


def _check_pairs(view: SubsetView, folder: Path, findings: Findings) -> dict[str, Path]:
    """The mask of each stem; sd-scripts pairs by stem, and takes the first by name of several."""
    where = view.where("conditioning_data_dir")
    masks: dict[str, Path] = {}
    second: list[str] = []
    for path in list_images(folder):
        if masks.setdefault(path.stem, path) != path:
            second.append(path.name)
    stems = {path.stem for path in view.images}
    if lacking := sorted(stems - set(masks)):
        hint = _other_name(lacking[0], folder)
        findings.error(where, f"{len(lacking)} images have no mask in {folder}: {some(lacking)}.", hint)
    if extra := sorted(set(masks) - stems):
        findings.error(where, f"{len(extra)} masks in {folder} belong to no image: {some(extra)}.")
    if second and folder.absolute() != view.folder.absolute():
        text = f"{len(second)} masks in {folder} are not read, as others have the same stem: {some(second)}."
        findings.error(where, text, "Remove one of the two.")
    return masks


def _other_name(stem: str, folder: Path) -> str:
    """A hint where a file looks like the mask of ``stem``."""
    like = sorted(path.name for path in folder.iterdir() if path.name.startswith(stem) and path.is_file())
    return (
        f"{like[0]} is not read: a mask has its image's name, and is a PNG, JPEG, WebP or BMP."
        if like
        else ""
    )


def _check_mask(path: Path, mask: Mask, image: Size, view: SubsetView, script: str, grouped: Grouped) -> None:
    if mask.file.fault:
        grouped.error(path, f"not an image: {mask.file.fault}.")
        return
    _check_size(path, mask.file.size, image, view, script, grouped)
    if mask.highest == 0:
        grouped.error(path, "the mask is all black, so nothing of its image is learned.", _why_black(mask))
    elif mask.highest <= ALMOST_BLACK:
        text = f"its lightest value is {mask.highest} of 255, so next to nothing is learned."
        grouped.error(path, text, "White is 255.")
    elif mask.highest < DARK:
        grouped.warn(path, f"its lightest value is {mask.highest} of 255.", "What is learned is white.")
    elif mask.lowest == 255:
        grouped.warn(path, "the mask is all white: the whole image is learned.", _why_black(mask))
    elif mask.coloured:
        grouped.warn(path, "the mask is not grey, and only its red channel is read.")
    elif mask.grey > _HALF_PIXEL:
        grouped.warn(path, "the mask is mostly grey: is it a photograph?", "Black and white are meant.")


def _why_black(mask: Mask) -> str:
    if mask.in_alpha:
        return "Its opacity is not read: draw it in black and white."
    return "Only its red channel is read." if mask.coloured else ""


def _check_size(path: Path, size: Size, image: Size, view: SubsetView, script: str, grouped: Grouped) -> None:
    """With buckets sd-scripts stops; without, it stretches the mask to the resolution."""
    if size == image:
        return
    text = f"the mask is {size[0]}x{size[1]}, its image {image[0]}x{image[1]}."
    hint = "Masks have the size of their image."
    same_ratio = abs(size[0] * image[1] / image[0] - size[1]) <= 1
    if view.get("enable_bucket") is True or script == INPAINT or not same_ratio:
        grouped.error(path, text, hint)
    else:
        grouped.warn(path, text, "It is resized.")


def _check_polarity(masks: Mapping[Path, Mask], where: str, findings: Findings) -> None:
    """White is what is learned. Nobody can know what was meant, so this is no error."""
    readable = {path: mask for path, mask in masks.items() if not mask.file.fault}
    inverted = [path.name for path, mask in readable.items() if mask.looks_inverted]
    if inverted:
        text = (
            f"{len(inverted)} of {len(readable)} masks look inverted, white at all edges: {some(inverted)}."
        )
        findings.warn(where, text, "White is the part to learn.")


def _check_alignment(view: SubsetView, sizes: Mapping[Path, Size], findings: Findings) -> None:
    """v0.10.1 cuts an image to its bucket, but squeezes the mask into it whole. It trains all the same."""
    buckets = view.buckets()
    if buckets is None or not (buckets.enabled or cached(view)):
        return
    fits = {path: found for path, size in sizes.items() if (found := fit(size, buckets))}
    off = {path: _off(found.resized, found.bucket) for path, found in fits.items()}
    beside = [path for path, pixels in off.items() if pixels >= 1]
    if beside:
        text = (
            f"{len(beside)} masks lie up to {max(off.values()):.0f} pixels beside their images, which are cut"
        )
        hint = "Crop images and masks to the size of their bucket first."
        where = view.where("conditioning_data_dir")
        findings.warn(where, f"{text} to fit: {some(path.name for path in beside)}.", hint)


def _off(resized: Size, bucket: Size) -> float:
    """How far the mask is off at an edge of the image, in pixels of the bucket."""
    return max(resized[0] - bucket[0], resized[1] - bucket[1]) / 2
