"""Which files of a folder are pictures, by their names; nothing is decoded."""

from __future__ import annotations

import os
from pathlib import Path

EXTENSIONS = tuple(
    f".{kind}"
    for kind in "jpg jpeg jpe jfif mpo png webp tif tiff bmp gif jp2 j2k avif ppm pgm".split()  # noqa: SIM905
)


def is_picture(name: str) -> bool:
    """Whether the name ends as a picture's does."""
    return Path(name).suffix.lower() in EXTENSIONS


def folder_files(root: Path) -> list[str]:
    """Posix paths, relative to ``root``, of all files below it, sorted; hidden ones are left out."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            (Path(folder) / name).relative_to(root).as_posix() for name in files if not name.startswith(".")
        ]
    return sorted(found)


def image_files(root: Path) -> list[str]:
    """Those of `folder_files` that are named as pictures."""
    return [name for name in folder_files(root) if is_picture(name)]
