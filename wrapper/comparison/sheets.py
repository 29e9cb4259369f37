"""A grid of a comparison as one picture: labelled, and with the parameters by A1111's names."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.comparison.album import Album
from wrapper.comparison.compare import Comparison
from wrapper.comparison.plan import Grid
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.sheet import TILE_PX, save_sheet

if TYPE_CHECKING:
    import numpy as np

MAX_SIDE_PX = 4096
MIN_TILE_PX = 64
BLANK = 200
"""The grey of a picture that could not be drawn."""


def save_sheets(comparison: Comparison) -> list[Path]:
    """Write ``grid.png``, ``grid-2.png``, …, one for each grid."""
    return [_save(comparison, number, grid) for number, grid in enumerate(comparison.plan.grids)]


def _save(comparison: Comparison, number: int, grid: Grid) -> Path:
    album = comparison.album
    tile_px = tile_size(grid, album)
    rows = [
        (value.label, [_small(album.picture(name), tile_px) for name in names])
        for value, names in zip(grid.y.values, grid.names, strict=True)
    ]
    heads = [value.label for value in grid.x.values]
    told = grid_parameters(comparison.told[grid.names[0][0]], grid)
    return save_sheet(album.sheet(number), rows, heads, tile_px, told, comparison.subject.source)


def tile_size(grid: Grid, album: Album) -> int:
    """As large as the pictures are, as far as the sheet stays within `MAX_SIDE_PX`."""
    from PIL import Image

    sides = [TILE_PX]
    first = next((path for name in chain(*grid.names) if (path := album.picture(name)).is_file()), None)
    if first:
        with Image.open(first) as image:
            sides.append(max(image.size))
    across = max(len(grid.x.values), len(grid.y.values))
    return max(MIN_TILE_PX, min(max(sides), MAX_SIDE_PX // across))


def grid_parameters(first: Infotext, grid: Grid) -> Infotext:
    """The first cell's parameters, and the axes as A1111's X/Y/Z plot tells them (xyz_grid.py, 1.10)."""
    fields = dict(first.fields)
    version = fields.pop("Version")
    fields["Script"] = "X/Y/Z plot"
    for letter, axis in (("X", grid.x), ("Y", grid.y)):
        if len(axis.values) > 1:
            fields[f"{letter} Type"] = axis.kind.title
            fields[f"{letter} Values"] = ", ".join(value.label for value in axis.values)
    return replace(first, fields={**fields, "Version": version})


def _small(path: Path, tile_px: int) -> np.ndarray:
    """A picture of at most ``tile_px``; grey where there is none."""
    import numpy as np
    from PIL import Image

    if not path.is_file():
        return np.full((tile_px, tile_px, 3), BLANK, np.uint8)
    with Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((tile_px, tile_px), Image.Resampling.LANCZOS)
    return np.asarray(small)
