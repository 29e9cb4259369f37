"""Manifests of up to a million rows: how long they take to read, and the most memory.

python -m benchmarks.scale_manifests FOLDER FIGURES.json 1000 10000 100000 1000000
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scale_measure import keep, measured
from benchmarks.scale_pictures import A_FOLDER, row

READ = """
import sys
from pathlib import Path
from dataset_tools.manifests.manifest import read_manifest
rows = read_manifest(Path(sys.argv[1])).rows
assert sum(1 for _ in rows) == len(rows) == int(sys.argv[2])
"""


def write(folder: Path, number: int) -> list[Path]:
    """The same rows in each form that a manifest may have; their images are empty files."""
    for start in range(0, number, A_FOLDER):
        (folder / row(start)["image"]).parent.mkdir(parents=True, exist_ok=True)
        for index in range(start, min(start + A_FOLDER, number)):
            (folder / row(index)["image"]).touch()
    lines, cells, whole = (folder / f"{number}.{kind}" for kind in ("jsonl", "csv", "json"))
    with lines.open("w", encoding="utf-8") as stream, whole.open("w", encoding="utf-8") as listed:
        for index in range(number):
            text = json.dumps(row(index))
            stream.write(f"{text}\n")
            listed.write(f"{',' if index else '['}\n{text}")
        listed.write("\n]\n")
    with cells.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(row(0)))
        table.writeheader()
        for index in range(number):
            table.writerow({**row(index), "ear_box": " ".join(map(str, row(index)["ear_box"]))})
    return [lines, cells, whole]


def main(arguments: Sequence[str]) -> None:
    place, file, *numbers = arguments
    for number in [int(number) for number in numbers] or [1000, 10_000]:
        for path in write(Path(place), number):
            command = [sys.executable, "-c", READ, str(path), str(number)]
            keep(measured(f"manifest{path.suffix}", number, command), Path(file))


if __name__ == "__main__":
    main(sys.argv[1:])
