"""Which mask belongs to which picture: the same name without its ending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


def pair(images: Sequence[str], mask_folder: str, problems: list[str]) -> dict[str, str]:
    """Path of the mask by path of the picture; what is missing, extra or of another size is a problem."""
    folder = Path(mask_folder)
    if not folder.is_dir():
        problems.append(f"{folder}: conditioning_data_dir is no folder")
        return {}
    masks = by_stem(folder, problems)
    found = {}
    for image in images:
        mask = masks.get(Path(image).stem)
        if mask is None:
            problems.append(f"{image}: has no mask in {folder}")
        elif fault := size_fault(Path(image), mask):
            problems.append(fault)
        else:
            found[image] = str(mask)
    stems = {Path(image).stem for image in images}
    problems += [f"{mask}: belongs to no picture" for stem, mask in masks.items() if stem not in stems]
    return found


def by_stem(folder: Path, problems: list[str]) -> dict[str, Path]:
    """The pictures of ``folder`` by name without ending; two of one name are a problem."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in ENDINGS and not path.name.startswith("."):
            if path.stem in found:
                problems.append(f"{path}: {found[path.stem].name} has the same name, keep one of them")
            found[path.stem] = path
    return found


def size_fault(image: Path, mask: Path) -> str:
    """An empty string when both have the same size in pixels."""
    sizes = []
    for path in (image, mask):
        try:
            with Image.open(path) as opened:
                sizes.append(opened.size)
        except (UnidentifiedImageError, OSError) as error:
            return f"{path}: is no picture that can be read ({error})"
    if sizes[0] == sizes[1]:
        return ""
    (width, height), (mask_width, mask_height) = sizes
    return f"{mask}: is {mask_width}x{mask_height}, its picture {image.name} is {width}x{height}"


def turned(images: Iterable[str]) -> list[str]:
    """Pictures whose EXIF orientation sd-scripts does not honour: they are trained lying on their side."""
    found = []
    for image in images:
        with Image.open(image) as opened:
            if opened.getexif().get(0x0112, 1) != 1:
                found.append(image)
    return found


def read_mask(path: str) -> np.ndarray:
    """uint8 [H, W, 3] of equal channels, 255 is repainted; transparent parts are black.

    Three channels, because sd-scripts' own resizing, which masks share with their pictures, takes no others.
    """
    with Image.open(path) as opened:
        mask = opened
        if mask.mode in ("RGBA", "LA", "PA") or "transparency" in mask.info:
            mask = mask.convert("RGBA")
            mask = Image.alpha_composite(Image.new("RGBA", mask.size, "black"), mask)
        return np.asarray(mask.convert("L").convert("RGB"))
