"""CPU time of the whole inspection over that of Pillow decoding the same JPEG files to RGB.

Once with Pillow and the inspection each in a process of its own, as a user has them, and once in turns in one
process, where Pillow gets memory for nothing that the inspection keeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

import cv2
from PIL import Image

from benchmarks.qc.photographs import photographs
from dataset_tools.pictures.inspected import decode_to_inspect
from dataset_tools.quality.duplicates import fingerprint
from dataset_tools.quality.measure import measure
from dataset_tools.quality.qc import Job, inspect_one
from dataset_tools.quality.thresholds import Thresholds, load_thresholds

SIZES = ((1024, 768), (4000, 3000))
SOURCES = ("astronaut", "motorcycle_left", "coffee", "china")
QUALITY = 90
ROUNDS = 12


class Ratios(NamedTuple):
    """CPU seconds over Pillow's: of everything, each in its own process and in turns in one; then of parts.

    ``pillow_ms``: Pillow's milliseconds in a process of its own.
    """

    pillow_ms: float
    everything_apart: float
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
    steps = (_pillow, _everything, decode_to_inspect, _measured, _print)
    pillow, *others = (median(times) for times in zip(*_times(files, steps), strict=True))
    everything, decoding, measured, printed = (value / pillow for value in others)
    alone, inspected = _apart(files, _pillow), _apart(files, _everything)
    return Ratios(
        alone * 1e3, inspected / alone, everything, decoding, measured - decoding, printed - decoding
    )


def _apart(files: Sequence[Path], step: Callable[[Path], object]) -> float:
    """Median CPU seconds of ``step`` in a new process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return median(row[0] for row in process.submit(_times, files, (step,)).result())


def _times(files: Sequence[Path], steps: Sequence[Callable[[Path], object]]) -> list[list[float]]:
    """CPU seconds of every step, one after the other, for each file in each round."""
    cv2.setNumThreads(1)
    found = []
    for path in [*files] * ROUNDS:
        row = []
        for step in steps:
            start = time.process_time()
            step(path)
            row.append(time.process_time() - start)
        found.append(row)
    return found


def _everything(path: Path) -> None:
    inspect_one(Job(path.name, path, _thresholds()))


@cache
def _thresholds() -> Thresholds:
    return load_thresholds("photo")


def _measured(path: Path) -> None:
    measure(decode_to_inspect(path))


def _print(path: Path) -> None:
    picture = decode_to_inspect(path)
    fingerprint(picture.rgb, picture.sizes)


def _pillow(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").load()
