"""Pictures with their masks in red, side by side: to see at a glance whether masks lie where they should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.pictures.crop import Crop
from dataset_tools.pictures.crop import apply as cut
from dataset_tools.pictures.images import save_png

if TYPE_CHECKING:
    import numpy as np
    from PIL import ImageFont

COLUMNS, ROWS = 6, 5
TILE_PX = 240
NAME_PX = 16
GAP_PX = 6
RED = (230, 30, 40)
STRENGTH = 0.5
Tile = tuple[str, "np.ndarray"]
"""What is written below a tile, and the tile, uint8 [T, T, 3]."""


def overlay(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] with ``mask`` [H, W] laid over it in red, as strong as the mask is white."""
    import numpy as np

    weight = (mask.astype(np.float32) / 255 * STRENGTH)[..., None]
    return np.round(rgb * (1 - weight) + np.asarray(RED, np.float32) * weight).astype(np.uint8)


def tile_of(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Picture and mask of one size, whole, on a square of `TILE_PX`."""
    import numpy as np

    height, width = rgb.shape[:2]
    scale = TILE_PX / max(height, width)
    target = (max(round(width * scale), 1), max(round(height * scale), 1))
    whole, nearest = Crop(0, 0, width, height, target), scale > 1
    tile = np.full((TILE_PX, TILE_PX, 3), 255, np.uint8)
    small = overlay(cut(rgb, whole, nearest=nearest), cut(mask, whole, nearest=nearest))
    tile[: target[1], : target[0]] = small
    return tile


def write_sheets(folder: Path, stem: str, tiles: Iterable[Tile]) -> Iterator[Path]:
    """Write ``<stem>-01.png`` and so on, `COLUMNS` × `ROWS` tiles each, yielding what was written."""
    tiles, number = iter(tiles), 1
    while page := list(islice(tiles, COLUMNS * ROWS)):
        path = folder / f"{stem}-{number:02d}.png"
        save_png(path, sheet(page))
        yield path
        number += 1


def sheet(tiles: Sequence[Tile]) -> np.ndarray:
    """Tiles with their names on white, `COLUMNS` a row."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    across, down = TILE_PX + GAP_PX, TILE_PX + NAME_PX + GAP_PX
    page = Image.new("RGB", (columns * across + GAP_PX, rows * down + GAP_PX), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for index, (name, tile) in enumerate(tiles):
        top, left = (index // columns) * down + GAP_PX, (index % columns) * across + GAP_PX
        page.paste(Image.fromarray(tile), (left, top))
        pen.text((left, top + TILE_PX), _shortened(name, font), "black", font)
    return np.asarray(page)


def _shortened(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The end of ``name``, where files differ, as far as it fits under a tile."""
    length = font.getlength
    if length(name) <= TILE_PX:
        return name
    while name and length("…" + name) > TILE_PX:
        name = name[1:]
    return "…" + name
