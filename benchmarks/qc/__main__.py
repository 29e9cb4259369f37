"""`python -m benchmarks.qc FOLDER`: make the cases in FOLDER (about 1 GB), inspect them, print the table."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.qc.run import INDEX, figures, inspect, prepare
from benchmarks.qc.speed import ratios


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.qc", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the cases are kept between runs")
    parser.add_argument("--fresh", action="store_true", help="make the cases again")
    parser.add_argument("--speed", action="store_true", help="print the CPU time over Pillow's instead")
    options = parser.parse_args()
    if options.speed:
        _print_speed(options.folder)
        return
    if options.fresh or not (options.folder / INDEX).is_file():
        prepare(options.folder)
    found = {split: figures(list(inspect(options.folder, split))) for split in ("calibration", "test")}
    print(f"{'':<40}{'calibration':>12}{'test':>8}")
    for name in found["test"]:
        print(f"{name:<40}{found['calibration'][name]:>12.4f}{found['test'][name]:>8.4f}")


def _print_speed(folder: Path) -> None:
    import cv2

    cv2.setNumThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for size, found in ratios(folder).items():
        print(size, "  ".join(f"{name} {value:.2f}" for name, value in found._asdict().items()))


if __name__ == "__main__":
    main()
