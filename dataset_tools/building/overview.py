"""A sheet of crops with their masks in red, to see at a glance whether the masks lie on the ears."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.building.dataset import BuiltDataset
from dataset_tools.pictures.crop import Crop
from dataset_tools.pictures.crop import apply as cut
from dataset_tools.pictures.images import read_mask, read_rgb, save_png

if TYPE_CHECKING:
    import numpy as np

OVERVIEW_FILE = "masks_overview.png"
MOST = 32
COLUMNS = 8
TILE_PX = 160
GAP_PX = 6
RED = (230, 30, 40)
STRENGTH = 0.5


def write_overview(built: BuiltDataset, folder: Path) -> None:
    """Write ``masks_overview.png``, up to `MOST` crops spread evenly over Stage B; nothing without masks."""
    pairs = _spread(_pairs(built, folder))
    if pairs:
        save_png(folder / OVERVIEW_FILE, sheet([_tile(*pair) for pair in pairs]))


def overlay(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] with ``mask`` [H, W] laid over it in red, as strong as the mask is white."""
    import numpy as np

    weight = (mask.astype(np.float32) / 255 * STRENGTH)[..., None]
    return np.round(rgb * (1 - weight) + np.asarray(RED, np.float32) * weight).astype(np.uint8)


def sheet(tiles: list[np.ndarray]) -> np.ndarray:
    """Square tiles [T, T, 3] side by side on white, `COLUMNS` a row."""
    import numpy as np

    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    step = tiles[0].shape[0] + GAP_PX
    page = np.full((rows * step + GAP_PX, columns * step + GAP_PX, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        y, x = (GAP_PX + step * position for position in divmod(index, columns))
        page[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return page


def _pairs(built: BuiltDataset, folder: Path) -> list[tuple[Path, Path]]:
    return [
        (image, folder / subset.mask_dir / image.name)
        for subset in built.stages.get("stage_b", [])
        if subset.mask_dir is not None
        for image in sorted((folder / subset.image_dir).glob("*.png"))
    ]


def _spread(pairs: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    count = min(MOST, len(pairs))
    return [pairs[index * len(pairs) // count] for index in range(count)]


def _tile(image: Path, mask: Path) -> np.ndarray:
    import numpy as np

    rgb = overlay(read_rgb(image), read_mask(mask))
    height, width = rgb.shape[:2]
    scale = TILE_PX / max(height, width)
    target = (max(round(width * scale), 1), max(round(height * scale), 1))
    tile = np.full((TILE_PX, TILE_PX, 3), 255, np.uint8)
    tile[: target[1], : target[0]] = cut(rgb, Crop(0, 0, width, height, target), nearest=scale > 1)
    return tile
