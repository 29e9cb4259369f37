"""The held-out pictures as each trial paints them: the same image, the same seed, side by side."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dataset_tools.errors import UserError
from dataset_tools.quality.page.thumbnails import FOLDER, save_thumbnail, small_copy, thumbnails_there
from wrapper.sweep.outcome.measured import Measured
from wrapper.sweep.outcome.ranking import Group
from wrapper.sweep.outcome.rows import Row

MOST_IMAGES = 16
MOST_THUMBNAILS = 600
"""Of the best trials; the pictures of those after them are linked themselves."""
THUMBNAIL_PX = 256
PIXELATED_PX = 128
"""Pictures this small are enlarged without smoothing."""
TRUTH, BASE = "the photograph", "untouched base"


class Shelf:
    """Links to pictures from the sweep's folder, and small copies of large ones in `FOLDER` below it.

    Paths of pictures are resolved ones, up to their trial's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.there = thumbnails_there(folder / FOLDER)
        self.used: set[str] = set()

    def picture(self, path: Path) -> dict[str, Any] | None:
        """What the page needs of it; None where there is no picture."""
        size = _size(path)
        if size is None:
            return None
        found = {"link": self._link(path), "size": size, "pixelated": max(size) <= PIXELATED_PX}
        small = self._small(path) if max(size) > THUMBNAIL_PX else ""
        return {**found, "small": f"{FOLDER}/{small}"} if small else found

    def _link(self, path: Path) -> str:
        relative = os.path.relpath(path, self.folder)
        return f"./{quote(os.fsencode(Path(relative).as_posix()))}"

    def _small(self, path: Path) -> str:
        """The name of its small copy, made when it is not there; none past `MOST_THUMBNAILS`."""
        from dataset_tools.pictures.images import read_rgb

        facts = path.stat()
        told = f"{self._link(path)} {facts.st_size} {facts.st_mtime_ns}"
        name = f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.jpg"
        if name not in self.used and len(self.used) >= MOST_THUMBNAILS:
            return ""
        if name not in self.there:
            try:
                save_thumbnail(small_copy(read_rgb(path), THUMBNAIL_PX), self.folder / FOLDER / name)
            except UserError:
                return ""
        self.used.add(name)
        return name

    def clear(self) -> None:
        """Remove small copies that the page does not show any more."""
        for name in self.there - self.used:
            (self.folder / FOLDER / name).unlink()


def held_out_pictures(group: Group, shelf: Shelf) -> dict[str, Any]:
    """``images`` by name, ``columns``: the photograph, the base, and a trial a column in the order of rank.

    A column holds a picture, or null, for each image.
    """
    measured = {row.id: row.measured for row in group.rows if row.measured}
    best = next(iter(measured.values()))
    images = list(painted(best, best.checkpoint.per_image))[:MOST_IMAGES]
    columns = [_column("", TRUTH, _truths(best), images, shelf)]
    columns.append(_column("", BASE, painted(best, best.base.per_image), images, shelf))
    columns += [_of_trial(row, images, shelf) for row in group.rows]
    return {"images": images, "columns": [one for one in columns if any(one["pictures"])]}


def _of_trial(row: Row, images: Sequence[str], shelf: Shelf) -> dict[str, Any]:
    measured = row.measured
    found = painted(measured, measured.checkpoint.per_image) if measured else {}
    return _column(row.id, row.id, found, images, shelf)


def _column(
    trial: str, head: str, found: Mapping[str, Path], images: Sequence[str], shelf: Shelf
) -> dict[str, Any]:
    pictures = [shelf.picture(found[name]) if name in found else None for name in images]
    return {"trial": trial, "head": head, "pictures": pictures}


def painted(measured: Measured, rows: Sequence[Any]) -> dict[str, Path]:
    """By image, the picture of the first seed that was kept."""
    found: dict[str, Path] = {}
    for row in rows:
        if row.picture and row.seed is not None:
            found.setdefault(row.image, measured.project.paths.root / row.picture)
    return dict(_inside(measured.project.paths.root, found))


def _truths(measured: Measured) -> dict[str, Path]:
    root = measured.project.paths.root
    return dict(_inside(root, {name: root / path for name, path in measured.truths.items()}))


def _inside(root: Path, found: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Those that lie in the trial's own folder: a record that somebody wrote may name any file."""
    real = root.resolve()
    return ((name, path) for name, path in found.items() if path.resolve().is_relative_to(real))


def _size(path: Path) -> tuple[int, int] | None:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
