"""The photographs: which set thresholds, and which only test. No picture is in two sets."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.errors import UserError
from dataset_tools.image_files import list_folder
from dataset_tools.pictures.images import read_rgb

Pixels = npt.NDArray[np.uint8]
Rng = np.random.Generator
Split = Literal["calibration", "test", "others"]
LONGEST_PX = 1200
"""Larger photographs are averaged down to this long side: the severities are in pixels of the result."""

ENLARGED = ("moon", "retina")
"""Published with half of the detail that their pixels could show (moon.png has every pixel twice)."""

_PLACES: dict[Split, dict[str, tuple[str, ...]]] = {
    "calibration": {
        "skimage": (
            "data/astronaut.png",
            "data/chelsea.png",
            "data/rocket.jpg",
            "data/motorcycle_left.png",
            "data/gravel.png",
            "data/coins.png",
            "data/ihc.png",
        ),
        "matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",),
    },
    "test": {
        "skimage": (
            "data/coffee.png",
            "data/camera.png",
            "data/retina.jpg",
            "data/hubble_deep_field.jpg",
            "data/brick.png",
            "data/grass.png",
            "data/moon.png",
        ),
        "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
    },
}


class Photograph(NamedTuple):
    """``rgb`` is uint8 [H, W, 3]."""

    name: str
    split: Split
    rgb: Pixels


def photographs() -> list[Photograph]:
    """Every photograph of the installed packages; UserError when a package is missing."""
    return [
        Photograph(Path(inside).stem, split, _bounded(_true_size(_package(package) / inside)))
        for split, packages in _PLACES.items()
        for package, places in packages.items()
        for inside in places
    ]


def photographs_in(folder: Path) -> list[Photograph]:
    """Every picture below ``folder``, of which none has set anything."""
    return [
        Photograph(name.replace("/", " "), "others", _bounded(read_rgb(folder / name)))
        for name in sorted(list_folder(folder).pictures)
    ]


def _package(name: str) -> Path:
    found = find_spec(name)
    if found is None or found.origin is None:
        raise UserError(
            f"benchmark: the package {name} is missing", "pip install scikit-image scikit-learn matplotlib"
        )
    return Path(found.origin).parent


def _true_size(path: Path) -> Pixels:
    rgb = read_rgb(path)
    if path.stem not in ENLARGED:
        return rgb
    return cv2.resize(rgb, (rgb.shape[1] // 2, rgb.shape[0] // 2), interpolation=cv2.INTER_AREA)


def _bounded(rgb: Pixels) -> Pixels:
    scale = LONGEST_PX / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
