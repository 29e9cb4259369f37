"""Pictures inside the page: small copies as data URIs, so that the page can be mailed as one file."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

LOSSLESS_MAX_SIDE_PX = 160
"""Up to this side a picture is kept as PNG (drawings of 64 pixels), above it becomes JPEG."""
JPEG_QUALITY = 84


@dataclass(frozen=True)
class Picture:
    """What an ``<img>`` needs. ``pixelated`` is set for drawings that the page shows enlarged."""

    uri: str
    alt: str
    width: int
    height: int
    pixelated: bool


def picture(path: Path, alt: str, max_side_px: int = 384) -> Picture | None:
    """A copy of ``path`` no larger than ``max_side_px``, upright; None when it is not a readable image."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not os.path.isfile(path):  # noqa: PTH113 - False for a name that no file can have
        return None
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (max_side_px, max_side_px))
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
    return embed(image, alt, max_side_px)


def overlay(image_path: Path, mask_path: Path, alt: str, max_side_px: int = 384) -> Picture | None:
    """The image with the part to repaint tinted; None when either file is not a readable image."""
    from PIL import Image, UnidentifiedImageError

    if not (os.path.isfile(image_path) and os.path.isfile(mask_path)):  # noqa: PTH113 - as above
        return None
    try:
        with Image.open(image_path) as image, Image.open(mask_path) as mask:
            base = image.convert("RGB")
            alpha = mask.convert("L").resize(base.size).point(lambda value: value * 0.62)
    except (UnidentifiedImageError, OSError):
        return None
    base.paste(Image.new("RGB", base.size, (255, 92, 138)), mask=alpha)
    return embed(base, alt, max_side_px)


def embed(image: Image, alt: str, max_side_px: int) -> Picture:
    """An RGB image as a `Picture`."""
    image.thumbnail((max_side_px, max_side_px))
    small = max(image.size) <= LOSSLESS_MAX_SIDE_PX
    stream = BytesIO()
    if small:
        image.save(stream, "PNG", optimize=True)
    else:
        image.save(stream, "JPEG", quality=JPEG_QUALITY, optimize=True)
    kind = "png" if small else "jpeg"
    uri = f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
    return Picture(uri, alt, *image.size, pixelated=max(image.size) <= 128)
