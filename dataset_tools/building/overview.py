"""A sheet of a dataset's crops with their masks, to see at a glance whether the masks lie on the ears."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.building.dataset import BuiltDataset
from dataset_tools.masking.sheets import sheet, tile_of
from dataset_tools.pictures.images import read_mask, read_rgb, save_png
from dataset_tools.system.left_by_systems import visible

OVERVIEW_FILE = "masks_overview.png"
MOST = 30


def write_overview(built: BuiltDataset, folder: Path) -> None:
    """Write ``masks_overview.png``, up to `MOST` crops spread evenly over Stage B; nothing without masks."""
    pairs = _spread(_pairs(built, folder))
    if pairs:
        tiles = [(image.stem, tile_of(read_rgb(image), read_mask(mask))) for image, mask in pairs]
        save_png(folder / OVERVIEW_FILE, sheet(tiles))


def _pairs(built: BuiltDataset, folder: Path) -> list[tuple[Path, Path]]:
    return [
        (image, folder / subset.mask_dir / image.name)
        for subset in built.stages.get("stage_b", [])
        if subset.mask_dir is not None
        for image in sorted(visible((folder / subset.image_dir).glob("*.png")))
    ]


def _spread(pairs: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    count = min(MOST, len(pairs))
    return [pairs[index * len(pairs) // count] for index in range(count)]
