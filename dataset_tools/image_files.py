"""Which files of a folder are pictures: by their names, else by their first bytes. Nothing is decoded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dataset_tools.errors import UserError
from dataset_tools.system.left_by_systems import is_systems_folder

EXTENSIONS = tuple(
    f".{kind}"
    for kind in "jpg jpeg jpe jfif mpo png webp tif tiff bmp gif jp2 j2k avif ppm pgm".split()  # noqa: SIM905
)
FOREIGN = (".heic", ".heif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf")
"""Photographs of phones and cameras that have to be exported before they can be used."""
_MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ")


class Listing(NamedTuple):
    """Posix paths relative to the folder, sorted; ``others`` are hidden, or no pictures."""

    pictures: list[str]
    others: list[str]


def list_folder(root: Path) -> Listing:
    """All files below ``root``, links to folders followed; UserError for a folder that cannot be read.

    Hidden folders and those of the system itself are passed by.
    """
    if not root.is_dir():
        kind = "not a folder" if root.exists() else "no such folder"
        raise UserError(f"{root}: {kind}", "Name a folder of images.")
    listing = Listing([], [])
    for path in sorted(_files(root)):
        listing[not _is_picture(root / path)].append(path)
    return listing


def image_files(root: Path) -> list[str]:
    """The pictures of `list_folder`."""
    return list_folder(root).pictures


def photographs(root: Path) -> list[str]:
    """The pictures, and the photographs that have to be exported first: a user means these, too."""
    listing = list_folder(root)
    return sorted([*listing.pictures, *filter(is_foreign, listing.others)])


def is_foreign(name: str) -> bool:
    """Whether the file of this name is one of `FOREIGN`; hidden ones are not."""
    path = PurePosixPath(name)
    return path.suffix.lower() in FOREIGN and not path.name.startswith(".")


def _files(root: Path) -> Iterator[str]:
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=_refuse):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not (name.startswith(".") or is_systems_folder(name))]
        yield from ((Path(folder) / name).relative_to(root).as_posix() for name in files)


def _refuse(error: OSError) -> None:
    raise UserError(f"{error.filename}: cannot be read ({error.strerror})") from error


def _is_picture(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    return path.suffix.lower() in EXTENSIONS or (path.is_file() and _starts_as_picture(path))


def _starts_as_picture(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError:
        return False
    return start.startswith(_MARKS) or start[8:12] == b"WEBP" or start[4:12] == b"ftypavif"
