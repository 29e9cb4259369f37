"""`python -m benchmarks.qc FOLDER`: make the cases in FOLDER (about 1 GB), inspect them, print the table.

With ``--photographs``, of all pictures in another folder, which set nothing; sound ones are expected there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.qc.photographs import photographs, photographs_in
from benchmarks.qc.run import INDEX, figures, inspect, prepare, splits
from benchmarks.qc.speed import ratios


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.qc", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the cases are kept between runs")
    parser.add_argument("--photographs", type=Path, help="a folder of sound photographs to make the cases of")
    parser.add_argument("--fresh", action="store_true", help="make the cases again")
    parser.add_argument("--speed", action="store_true", help="print the CPU time over Pillow's instead")
    options = parser.parse_args()
    if options.speed:
        _print_speed(options.folder)
        return
    if options.fresh or not (options.folder / INDEX).is_file():
        prepare(options.folder, photographs_in(options.photographs) if options.photographs else photographs())
    found = {split: figures(list(inspect(options.folder, split))) for split in splits(options.folder)}
    print(f"{'':<40}" + "".join(f"{split:>12}" for split in found))
    for name in next(iter(found.values())):
        print(f"{name:<40}" + "".join(f"{values[name]:>12.4f}" for values in found.values()))


def _print_speed(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for size, found in ratios(folder).items():
        print(size, "  ".join(f"{name} {value:.2f}" for name, value in found._asdict().items()))


if __name__ == "__main__":
    main()
