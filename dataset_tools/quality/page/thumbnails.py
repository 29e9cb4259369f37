"""Small copies of the inspected pictures, in a hidden folder beside the page: QC itself never meets them."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import cv2

from dataset_tools.files import whole_file
from dataset_tools.pictures.images import Pixels

FOLDER = ".thumbs"
MAX_SIDE_PX = 160
JPEG_QUALITY = 72
_OURS = re.compile(r"[0-9a-f]{16}\.jpg")


def thumbnail_name(picture: str) -> str:
    """The file name of a picture's small copy, from the path in its record."""
    return f"{hashlib.sha256(os.fsencode(picture)).hexdigest()[:16]}.jpg"


def small_copy(rgb: Pixels, max_side_px: int = MAX_SIDE_PX) -> bytes:
    """uint8 [H, W, 3] as a JPEG of ``max_side_px`` at most."""
    import simplejpeg

    return simplejpeg.encode_jpeg(_small(rgb, max_side_px), JPEG_QUALITY, "RGB", "420")


def save_thumbnail(data: bytes, path: Path) -> None:
    """Write a `small_copy`."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def _small(rgb: Pixels, max_side_px: int) -> Pixels:
    """Two steps: to twice the size by samples, then averaged; a twentieth of the time of averaging all."""
    height, width = rgb.shape[:2]
    factor = max_side_px / max(height, width)
    if factor >= 1:
        return rgb
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    twice = cv2.resize(rgb, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(twice, size, interpolation=cv2.INTER_AREA)


def thumbnails_there(folder: Path) -> set[str]:
    """The names of the small copies in ``folder``; none when there is no such folder."""
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if _OURS.fullmatch(path.name)}
