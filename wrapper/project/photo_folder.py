"""What a folder of photographs says of the project that is made for it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dataset_tools.image_files import photographs
from dataset_tools.manifests.folder_names import with_masks
from dataset_tools.manifests.kohya_tree import is_kohya_tree


class Captions(NamedTuple):
    """How many photographs there are, and beside how many lies a ``NAME.txt``."""

    photographs: int
    captioned: int


def captions_beside(photos: Path) -> Captions:
    """Those in a folder; none of a manifest, nor of a Kohya tree, whose captions are read in any case."""
    if not photos.is_dir() or is_kohya_tree(photos):
        return Captions(0, 0)
    names = [name for name, _ in with_masks(photographs(photos))]
    return Captions(len(names), sum((photos / name).with_suffix(".txt").is_file() for name in names))
