"""CPU time of the whole inspection over that of Pillow decoding the same JPEG files to RGB, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from PIL import Image

from benchmarks.qc.photographs import photographs
from dataset_tools.pictures.inspected import Inspected, decode_to_inspect
from dataset_tools.quality.duplicates import fingerprint
from dataset_tools.quality.measure import measure
from dataset_tools.quality.qc import Job, inspect_one
from dataset_tools.quality.thresholds import load_thresholds

SIZES = ((1024, 768), (4000, 3000))
SOURCES = ("astronaut", "motorcycle_left", "coffee", "china")
QUALITY = 90
ROUNDS = 12


class Ratios(NamedTuple):
    """CPU seconds over Pillow's: of everything, and of three of its parts."""

    everything: float
    decoding: float
    measures: float
    fingerprint: float


def ratios(folder: Path) -> dict[str, Ratios]:
    """Ratios at each of `SIZES`, median over photographs and rounds; the JPEGs are made in ``folder``."""
    sources = [one for one in photographs() if one.name in SOURCES]
    found = {}
    for width, height in SIZES:
        files = []
        for source in sources:
            files.append(folder / f"speed-{source.name}-{width}.jpg")
            large = Image.fromarray(source.rgb).resize((width, height), Image.Resampling.BICUBIC)
            large.save(files[-1], quality=QUALITY)
        found[f"{width} × {height}"] = _ratios(files)
    return found


def _ratios(files: Sequence[Path]) -> Ratios:
    thresholds = load_thresholds("photo")
    steps: tuple[Callable[[Path], object], ...] = (
        _pillow,
        lambda path: inspect_one(Job(path.name, path, thresholds)),
        decode_to_inspect,
        lambda path: measure(decode_to_inspect(path)),
        lambda path: _print(decode_to_inspect(path)),
    )
    pillow, *others = (median(times) for times in zip(*_times(files, steps), strict=True))
    everything, decoding, measured, printed = (value / pillow for value in others)
    return Ratios(everything, decoding, measured - decoding, printed - decoding)


def _times(files: Sequence[Path], steps: Sequence[Callable[[Path], object]]) -> list[list[float]]:
    """CPU seconds of every step, one after the other, for each file in each round."""
    found = []
    for path in [*files] * ROUNDS:
        row = []
        for step in steps:
            start = time.process_time()
            step(path)
            row.append(time.process_time() - start)
        found.append(row)
    return found


def _print(picture: Inspected) -> None:
    fingerprint(picture.rgb, picture.sizes)


def _pillow(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").load()
