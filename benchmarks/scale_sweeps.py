"""Sweeps of very many trials: what planning one costs, and looking at one that is done.

python -m benchmarks.scale_sweeps FOLDER FIGURES.json BUILT_PROJECT 100 1000

The finished sweep is written as it lies on the disk, each trial evaluated on 12 held-out pictures with two
seeds; ``BUILT_PROJECT`` is a project with a dataset, such as `scale_pipeline` leaves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.scale_measure import keep, lorawrap, measured
from tests.sweep.made_sweeps import Made, make_sweep
from wrapper.sweep.sweep_file import write_sweep

RANK, RATE, OPTIMIZER = (f"stage_b.kohya.{key}" for key in ("network_dim", "learning_rate", "optimizer_type"))
FAILED = {"status": "failed", "why": "CUDA ran out of memory."}
A_FAILURE = 20
"""One trial in so many failed."""
IMAGES = 12


def make(folder: Path, number: int) -> None:
    """A finished sweep of ``number`` trials, whose effects are known."""
    rng = np.random.default_rng(1)
    made = [
        Made(
            {
                RANK: int(rng.choice([4, 8, 16, 32, 64])),
                RATE: round(float(10 ** rng.uniform(-5, -3.5)), 8),
                OPTIMIZER: str(rng.choice(["AdamW8bit", "Prodigy", "Lion"])),
            },
            float(rng.normal(3, 1)),
            0.3,
            **(FAILED if index % A_FAILURE == 0 else {}),
        )
        for index in range(number)
    ]
    sweep = make_sweep(folder, made, images=IMAGES, pictures=True)
    write_sweep(sweep, {})


def commands(folder: Path, built: Path, number: int) -> Iterator[tuple[str, list[str]]]:
    name = next((folder / "sweeps").iterdir()).name
    grid = f"stage_a.kohya.network_dim=1..{number // 10}+1", "stage_a.kohya.network_alpha=1..10+1"
    axes = [part for axis in grid for part in ("--grid", axis)]
    yield (
        "sweep run --dry-run",
        lorawrap("sweep", "run", "many", "--project", built, "--stage", "stage_a", *axes, "--dry-run"),
    )
    yield "sweep show", lorawrap("sweep", "show", name, "--project", folder)
    yield "sweep list", lorawrap("sweep", "list", "--project", folder)


def main(arguments: Sequence[str]) -> None:
    place, file, built, *numbers = arguments
    for number in [int(number) for number in numbers] or [100]:
        folder = Path(place) / f"sweep of {number}"
        if not folder.exists():
            make(folder, number)
        for what, command in commands(folder, Path(built), number):
            keep(measured(what, number, command), Path(file))
        for page in (folder / "sweeps").glob("*/*.*"):
            print(f"{page.name}: {page.stat().st_size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
