"""What the subsets' folders hold: images, captions and masks, as the trainer will find them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from wrapper.buckets import Size
from wrapper.kohya.report import Findings
from wrapper.kohya.steps import DatasetUse, ImageUse
from wrapper.kohya.subsets import IMAGE_SUFFIXES, OTHER_SUFFIXES, SubsetView, list_images

SHOWN = 3
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_FACE_FIELDS = 4
"""sd-scripts also looks for a caption without the last four ``_`` fields of a face-detected name."""


def check_folders(views: Sequence[SubsetView], findings: Findings) -> list[DatasetUse]:
    """Check every subset's folder; returns what is used of them, for the step count."""
    _check_shared(views, findings)
    datasets: dict[int, list[SubsetView]] = {}
    uses: dict[int, list[ImageUse]] = {}
    for view in views:
        sizes = check_images(view, findings)
        check_captions(view, findings)
        check_masks(view, sizes, findings)
        datasets.setdefault(view.dataset, []).append(view)
        uses.setdefault(view.dataset, []).extend(
            ImageUse(size, view.repeats, view.is_reg) for size in sizes.values() if view.repeats > 0
        )
    for members in datasets.values():
        if all(view.is_reg for view in members):
            text = "it has regularisation images only, and sd-scripts then uses none of them."
            findings.error(members[0].where(), text, "Put them into the dataset of the training images.")
    return [
        DatasetUse(uses[number], buckets, members[0].batch_size)
        for number, members in datasets.items()
        if (buckets := members[0].buckets())
    ]


def check_images(view: SubsetView, findings: Findings) -> dict[Path, Size]:
    """The images and their sizes in pixels; what is not an image is an error."""
    if not view.get("image_dir"):
        return {}
    if not view.folder.is_dir():
        findings.error(view.where("image_dir"), f"there is no folder {view.folder}.")
        return {}
    if not view.images:
        findings.error(view.where("image_dir"), f"{view.folder} has no images.", _nested(view.folder))
    if view.repeats < 1:
        text = f"'num_repeats' is {view.repeats}: sd-scripts ignores the folder."
        findings.error(view.where("num_repeats"), text)
    _warn_unread(view, findings)
    sizes = {path: size for path in view.images if (size := _size(path, findings))}
    _check_sizes(view, sizes, findings)
    return sizes


def _check_shared(views: Sequence[SubsetView], findings: Findings) -> None:
    seen: dict[tuple[int, Path], SubsetView] = {}
    for view in views:
        first = seen.setdefault((view.dataset, view.folder.absolute()), view)
        if first is not view and view.get("image_dir"):
            text = f"the same folder as at {first.where('image_dir')}: sd-scripts ignores this subset."
            findings.error(view.where("image_dir"), text, "Raise num_repeats of the first instead.")


def _nested(folder: Path) -> str:
    inside = [path.name for path in folder.iterdir() if path.is_dir() and list_images(path)]
    return f"Its folder {inside[0]!r} has some: name that one." if inside else ""


def _warn_unread(view: SubsetView, findings: Findings) -> None:
    suffixes = {*IMAGE_SUFFIXES, *OTHER_SUFFIXES}
    read = set(view.images)
    unread = [
        path.name
        for path in sorted(view.folder.iterdir())
        if path.suffix.lower() in suffixes and path not in read
    ]
    if unread:
        text = f"{len(unread)} images are not read: {_some(unread)}."
        findings.warn(view.where("image_dir"), text, f"sd-scripts reads {', '.join(IMAGE_SUFFIXES)}.")


def _size(path: Path, findings: Findings) -> Size | None:
    """Width and height, from the header alone."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) not in (0, 1)
            size = image.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        reason = "it is empty" if path.stat().st_size == 0 else f"it is broken ({type(error).__name__})"
        findings.error(path, f"not an image: {reason}.")
        return None
    if turned:
        findings.warn(path, "its EXIF orientation is ignored: it is trained on its side.", "Turn its pixels.")
    return size


def _check_sizes(view: SubsetView, sizes: dict[Path, Size], findings: Findings) -> None:
    """Without buckets sd-scripts stops at an image that is smaller, unless it caches latents."""
    wanted = view.resolution
    if wanted is None:
        return
    small = [path.name for path, size in sizes.items() if size[0] < wanted[0] or size[1] < wanted[1]]
    if not small or view.get("enable_bucket") is True:
        return
    text = f"{len(small)} images are smaller than the resolution {wanted[0]}x{wanted[1]}: {_some(small)}."
    if view.get("cache_latents") is True:
        findings.warn(view.where("image_dir"), text, "They will be enlarged.")
    else:
        findings.error(view.where("image_dir"), text, "Set enable_bucket = true, or a lower resolution.")


def check_captions(view: SubsetView, findings: Findings) -> None:
    """Every image needs a caption that is read, is UTF-8, is not empty and has one line."""
    captions = {path: _caption_file(path, view.caption_suffix) for path in view.images}
    missing = [path for path, caption in captions.items() if caption is None]
    if missing:
        _missing(view, missing, findings)
    texts = [text for caption in captions.values() if caption and (text := _read(caption, view, findings))]
    if view.get("flip_aug") is True and any(_SIDES.search(text) for text in texts):
        text = "flip_aug mirrors images whose captions say left or right."
        findings.warn(view.where("flip_aug"), text, "Leave it out, or the sides are learned wrongly.")


def _caption_file(image: Path, suffix: str) -> Path | None:
    fields = image.stem.split("_")
    stems = [image.stem, "_".join(fields[:-_FACE_FIELDS])] if len(fields) > _FACE_FIELDS else [image.stem]
    files = [image.with_name(stem + suffix) for stem in stems]
    return next((path for path in files if path.is_file()), None)


def _missing(view: SubsetView, missing: list[Path], findings: Findings) -> None:
    where, suffix = view.where("caption_extension"), view.caption_suffix
    other = [path.name for path in missing if suffix != ".txt" and path.with_suffix(".txt").is_file()]
    text = (
        f"{len(missing)} images in {view.folder} have no {suffix} caption: {_some(p.name for p in missing)}."
    )
    if other:
        findings.error(where, f"{text} Their .txt files are not read.", "Set caption_extension = '.txt'.")
    elif view.get("class_tokens"):
        findings.warn(where, f"{text} They are trained as '{view.get('class_tokens')}'.")
    else:
        findings.error(where, text, "Give each a caption file beside it.")


def _read(caption: Path, view: SubsetView, findings: Findings) -> str:
    try:
        lines = caption.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        findings.error(caption, f"not UTF-8 (byte {error.start}).", "Save it as UTF-8.")
        return ""
    if not lines or not lines[0].strip():
        findings.error(caption, "the caption is empty.", "Write it into the first line.")
        return ""
    if view.get("enable_wildcard") is not True and any(line.strip() for line in lines[1:]):
        findings.error(caption, "only the first line of a caption is read.", "Put all of it there.")
    if lines[0].startswith("\ufeff"):
        findings.error(caption, "it begins with a byte order mark, which becomes part of the caption.")
    return lines[0].strip()


def check_masks(view: SubsetView, sizes: dict[Path, Size], findings: Findings) -> None:
    """One mask of the same name and size for each image, and none too many."""
    folder = view.mask_folder
    if folder is None:
        return
    where = view.where("conditioning_data_dir")
    if not folder.is_dir():
        findings.error(where, f"there is no folder {folder}.")
        return
    masks: dict[str, list[Path]] = {}
    for path in list_images(folder):
        masks.setdefault(path.stem, []).append(path)
    stems = {path.stem for path in view.images}
    if lacking := sorted(stems - set(masks)):
        findings.error(where, f"{len(lacking)} images have no mask in {folder}: {_some(lacking)}.")
    if extra := sorted(set(masks) - stems):
        findings.error(where, f"{len(extra)} masks in {folder} belong to no image: {_some(extra)}.")
    for image, size in sizes.items():
        for mask in masks.get(image.stem, [])[:1]:
            _check_mask(mask, size, findings)


def _check_mask(mask: Path, wanted: Size, findings: Findings) -> None:
    from PIL import Image

    size = _size(mask, findings)
    if size is None:
        return
    if size != wanted:
        text = f"the mask is {size[0]}x{size[1]}, its image {wanted[0]}x{wanted[1]}."
        findings.error(mask, text, "Masks have the size of their image.")
        return
    try:
        with Image.open(mask) as image:
            darkest, lightest = image.convert("L").getextrema()
    except (OSError, SyntaxError) as error:
        findings.error(mask, f"it is broken ({error}).")
        return
    if lightest == 0:
        findings.error(mask, "the mask is all black, so nothing of its image is repainted.")
    elif darkest == 255:
        findings.warn(mask, "the mask is all white: the whole image is repainted.")


def _some(names: object) -> str:
    listed = list(names)  # type: ignore[call-overload]
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(map(str, listed[:SHOWN])) + more
