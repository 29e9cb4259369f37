"""What a megapixel costs: QC and a build of the same number of small and of 12-megapixel photographs.

python -m benchmarks.scale_megapixels FOLDER FIGURES.json 100
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.scale_measure import Figure, keep, lorawrap, measured
from benchmarks.scale_pictures import SIDES_PX, Pixels, name_of, row, scene

LARGE_PX = (4000, 3000)
QUALITY = 92
STROKES = 400
PROJECT = """
[project]
name = "pixels"
engine = "embedded"

[manifest]
path = "manifest.jsonl"

[qc]
preset = "tiny"

[crop]
size = 512
context = 2.0

[masks]
source = "synthetic"

[dataset]
holdout = "none"

[stage_a]
preset = "demo"

[stage_b]
preset = "demo"
"""


def large(seed: int) -> Pixels:
    """uint8 [3000, 4000, 3]: a scene, sharp strokes over it, grain."""
    import cv2

    chance = np.random.default_rng(seed)
    rgb = cv2.resize(scene(seed), LARGE_PX, interpolation=cv2.INTER_CUBIC)
    for _ in range(STROKES):
        ends = chance.integers(0, LARGE_PX, (2, 2)).tolist()
        colour = tuple(int(value) for value in chance.integers(0, 256, 3))
        cv2.line(rgb, *ends, colour, int(chance.integers(2, 30)), cv2.LINE_AA)
    grain = np.empty(LARGE_PX[::-1], np.int16)
    cv2.setRNGSeed(seed)
    cv2.randn(grain, 0, 3)
    return np.clip(rgb + grain[..., None], 0, 255).astype(np.uint8)


def draw(folder: Path, number: int, *, is_large: bool) -> None:
    """A project of ``number`` photographs, whose ear boxes cover the same part of each."""
    import cv2

    scale = LARGE_PX[0] / SIDES_PX[0] if is_large else 1
    rows = []
    for index in range(number):
        path = folder / "photos" / name_of(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            rgb = large(index) if is_large else scene(index)
            cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        facts = row(index)
        rows.append({**facts, "ear_box": [round(side * scale) for side in facts["ear_box"]]})
    (folder / "manifest.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in rows), encoding="utf-8")
    (folder / "lorawrap.toml").write_text(PROJECT, encoding="utf-8")


def figures(folder: Path, number: int, kind: str) -> list[Figure]:
    for made in ("qc", "dataset"):
        shutil.rmtree(folder / made, ignore_errors=True)
    commands = [*((what, lorawrap(what, "--project", folder)) for what in ("qc", "build"))]
    commands += [(f"{what}, nothing changed", command) for what, command in commands]
    return [measured(f"{what}, {kind}", number, command) for what, command in commands]


def main(arguments: Sequence[str]) -> None:
    place, file, *numbers = arguments
    number = int(numbers[0]) if numbers else 100
    pixels = (LARGE_PX[0] * LARGE_PX[1] - SIDES_PX[0] * SIDES_PX[1]) * number / 1e6
    both = []
    for kind, is_large in (("small", False), ("large", True)):
        folder = Path(place) / kind
        draw(folder, number, is_large=is_large)
        both.append(figures(folder, number, kind))
    for small, big in zip(*both, strict=True):
        keep(small, Path(file))
        keep(big, Path(file))
        print(f"{big.what}: {(big.cpu_s - small.cpu_s) / pixels * 1000:.2f} CPU ms a megapixel", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
