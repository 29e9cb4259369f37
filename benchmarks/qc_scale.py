"""What QC costs by the number of pictures: seconds and CPU milliseconds a picture, the most memory a process.

Drawn pictures of 128 × 96 pixels, so what is measured is what QC itself adds: jobs, records, the search for
copies, reports. Each step is a run of `lorawrap qc`: the first, one that changes nothing, one with other
limits, one after a single picture changed.

    python -m benchmarks.qc_scale FOLDER 1000 10000 100000

Pictures are drawn in ``FOLDER/<number>`` where they are not there yet.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from benchmarks.scale_measure import children_of, peak_of

STEPS = {"first": (), "unchanged": (), "other limits": ("--set", "blur_px_reject=0.9"), "one changed": ()}
A_FOLDER = 1000


def draw(folder: Path, number: int) -> None:
    """``number`` different pictures in ``folder``."""
    for index in range(number):
        place = folder / f"{index // A_FOLDER:03d}" / f"{index:06d}.jpg"
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            picture(place, index)


def picture(path: Path, seed: int) -> None:
    """Soft colours, some lines and noise."""
    import cv2
    import numpy as np

    chance = np.random.default_rng(seed)
    coarse = chance.integers(0, 256, (*chance.integers(3, 9, 2), 3)).astype(np.float32)
    rgb = cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC) + chance.normal(0, 6, (96, 128, 3))
    rgb = np.clip(rgb, 0, 255).astype(np.uint8)
    for _ in range(3):
        colour = tuple(int(value) for value in chance.integers(0, 256, 3))
        ends = chance.integers(0, 120, (2, 2)).tolist()
        cv2.line(rgb, *ends, colour, int(chance.integers(1, 6)))
    cv2.imwrite(str(path), rgb, [cv2.IMWRITE_JPEG_QUALITY, 88])


def measure(folder: Path, out: Path, more: Sequence[str]) -> tuple[float, float, float]:
    """One run: seconds, MiB of the main process and of its largest worker."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "wrapper", "qc", str(folder), "--out", str(out), *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    main = workers = 0.0
    while run.poll() is None:
        main = max(main, peak_of(run))
        workers = max(workers, *(peak_of(child) for child in children_of(run)), 0.0)
        time.sleep(0.2)
    if run.returncode:
        raise SystemExit(f"{command} ended with {run.returncode}")
    return time.perf_counter() - start, main, workers


def compare(place: Path, number: int) -> Iterator[str]:
    """A line for each kind of run on ``number`` pictures."""
    folder, out = place / str(number), place / f"qc of {number}"
    draw(folder, number)
    for step, more in STEPS.items():
        if step == "one changed":
            picture(folder / "000" / "000003.jpg", number + 1)
        before = os.times()
        seconds, main, workers = measure(folder, out, more)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        each = f"{spent / number * 1000:7.2f} ms CPU a picture"
        yield f"{number:7d} {step:13s} {seconds:8.1f} s {each} {main:5.0f} MiB, worker {workers:4.0f} MiB"
    picture(folder / "000" / "000003.jpg", 3)


def main(arguments: Sequence[str]) -> None:
    place, *numbers = arguments
    for number in [int(number) for number in numbers] or [1000, 10_000]:
        for line in compare(Path(place), number):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
