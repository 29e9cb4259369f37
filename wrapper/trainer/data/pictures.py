"""The images of every subset with their captions, masks, repeats and buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dataset_tools.data_text import NotUtf8, bounded_text
from dataset_tools.errors import Problems, UserError
from dataset_tools.pictures.mask_variants import UNCHANGED, MaskChange
from wrapper.trainer.data.buckets import Placement, Size, place
from wrapper.trainer.data.config import DatasetConfig, SubsetConfig

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


@dataclass(frozen=True)
class Picture:
    """One image of a training set; ``size`` is (width, height) in pixels, upright."""

    image: Path
    mask: Path | None
    caption: str
    size: Size
    placement: Placement
    repeats: int
    subset: SubsetConfig

    @property
    def is_reg(self) -> bool:
        return self.subset.is_reg


@dataclass(frozen=True)
class PictureSet:
    """The pictures of one ``[[datasets]]`` table; ``notes`` are things that the log should say.

    Masks vary as ``change`` says; ``pooled``: only as many of them as a cache keeps.
    """

    config: DatasetConfig
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...]
    change: MaskChange = UNCHANGED
    pooled: bool = False

    def count(self, *, reg: bool) -> int:
        """Images an epoch, repeats counted."""
        return sum(picture.repeats for picture in self.pictures if picture.is_reg is reg)


def read_pictures(config: DatasetConfig, *, need_mask: bool) -> PictureSet:
    """Find, pair and place a dataset's images.

    ``need_mask``: every subset must have masks, but for regularisation images. Raises `UserError` that lists
    every missing folder, caption and mask at once.
    """
    problems, notes = Problems(), []
    folders = [subset.image_dir for subset in config.subsets]
    for folder in sorted({folder for folder in folders if folders.count(folder) > 1}):
        problems.add(folder, "stands in two subsets.", "Keep one of them.")
    found: list[Picture] = []
    for subset in config.subsets:
        found += _read_subset(subset, config, need_mask, problems, notes)
    problems.raise_if_any()
    return PictureSet(config, tuple(_balance_reg(found)), tuple(notes))


def _read_subset(
    subset: SubsetConfig, config: DatasetConfig, need_mask: bool, problems: Problems, notes: list[str]
) -> list[Picture]:
    images = list_images(subset.image_dir)
    if not images:
        problems.add(subset.image_dir, "no images found.")
    masks = _masks(subset, images, need_mask, problems)
    captions = [read_caption(image, subset, problems) for image in images]
    without = sum(caption is None for caption in captions)
    if without and subset.class_tokens:
        notes.append(f"{subset.image_dir}: {without} images without a caption get '{subset.class_tokens}'")
    pictures = []
    for image, mask, caption in zip(images, masks, captions, strict=True):
        if caption is None and not subset.class_tokens:
            problems.add(image, f"has no caption file ({image.stem}{subset.caption_extension}).")
        size = _size(image, mask, config, problems)
        if size:
            text = caption if caption is not None else subset.class_tokens or ""
            pictures.append(Picture(image, mask, text, size, place(size, config), subset.num_repeats, subset))
    return pictures


def list_images(folder: Path) -> list[Path]:
    """The image files in ``folder`` that are not hidden, by name; an empty list when it is no folder."""
    if not folder.is_dir():
        return []
    there = (path for path in folder.iterdir() if path.name[0] != ".")
    return sorted(path for path in there if path.suffix.lower() in IMAGE_SUFFIXES)


def read_caption(image: Path, subset: SubsetConfig, problems: Problems) -> str | None:
    """The first line of the caption file beside ``image``, None when there is no such file."""
    path = image.with_name(image.stem + subset.caption_extension)
    try:
        lines = bounded_text(path, "utf-8-sig").splitlines()
    except FileNotFoundError:
        return None
    except NotUtf8 as error:
        problems.add(path, f"is {error}.")
        return ""
    except ValueError as error:
        problems.add(path, f"is no caption: {error}.")
        return ""
    if not lines or not lines[0].strip():
        problems.add(path, "is empty: the first line is the caption.")
        return ""
    return lines[0].strip()


def _masks(
    subset: SubsetConfig, images: Sequence[Path], need_mask: bool, problems: Problems
) -> list[Path | None]:
    folder = subset.conditioning_data_dir
    if folder is None:
        if need_mask and not subset.is_reg:
            problems.add(subset.image_dir, "needs masks: 'conditioning_data_dir' is missing.")
        return [None] * len(images)
    masks = {path.stem: path for path in list_images(folder)}
    for image in images:
        if image.stem not in masks:
            problems.add(image, f"has no mask in {folder}.")
    for name in sorted(set(masks) - {image.stem for image in images}):
        problems.add(masks[name], f"belongs to no image in {subset.image_dir}.")
    return [masks.get(image.stem) for image in images]


def _size(image: Path, mask: Path | None, config: DatasetConfig, problems: Problems) -> Size | None:
    try:
        size = image_size(image)
        if mask is not None and (mask_size := image_size(mask)) != size:
            problems.add(mask, f"is {_text(mask_size)}, its image {image.name} is {_text(size)}.")
            return None
    except UserError as error:
        problems.add(image, error.message)
        return None
    small = min(place(size, config).bucket) < 8
    if small:
        problems.add(image, f"is too small for buckets of {config.bucket_reso_steps} px.")
    return None if small else size


def image_size(path: Path) -> Size:
    """(width, height) of the upright image. Raises `UserError` when it is no image."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (image.height, image.width) if turned else (image.width, image.height)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: is not a readable image ({error}).") from None


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _balance_reg(pictures: Sequence[Picture]) -> list[Picture]:
    """Regularisation images cut or repeated to the number of training images, as in sd-scripts.

    First in order with their own repeats until there are enough, then one more of each, round and round.
    """
    training = [picture for picture in pictures if not picture.is_reg]
    wanted = sum(picture.repeats for picture in training)
    repeats: dict[int, int] = {}
    regular = [picture for picture in pictures if picture.is_reg]
    count = 0
    while regular and count < wanted:
        for number, picture in enumerate(regular):
            step = 1 if number in repeats else picture.repeats
            repeats[number] = repeats.get(number, 0) + step
            count += step
            if count >= wanted:
                break
    return training + [replace(regular[number], repeats=times) for number, times in repeats.items()]
