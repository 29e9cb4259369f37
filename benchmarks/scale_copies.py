"""The search for copies by itself at growing sizes: anew, and after one picture changed; and the comparison.

python -m benchmarks.scale_copies PROJECT FIGURES.json 1000 10000 40000

``PROJECT`` is one that `scale_pipeline` left: its QC holds the fingerprints. The comparison is carried out on
500 candidates spread over all, and on those of the copies that were drawn; the rest is reckoned.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.scale_measure import Figure, keep
from benchmarks.scale_pictures import Pixels, known_pairs, name_of
from dataset_tools.quality.duplicates.agreement import agreement
from dataset_tools.quality.duplicates.candidates import Candidate, candidates
from dataset_tools.quality.duplicates.cells import drawn
from dataset_tools.quality.duplicates.search import search
from dataset_tools.quality.duplicates.searched import Rows
from dataset_tools.quality.duplicates.thumbnails import Fingerprint, thumbnail
from dataset_tools.quality.measured_store import CACHE
from dataset_tools.quality.thresholds import load_thresholds

SAMPLE = 500
OF_PATH = "SELECT m.id, m.digest FROM contents c JOIN measured m ON m.content = c.sha256 WHERE c.path = ?"
Result = TypeVar("Result")


class Prints:
    """The fingerprints of the first pictures, and one more that takes another's place."""

    def __init__(self, project: Path, number: int) -> None:
        self._store = sqlite3.connect(f"{(project / 'qc' / CACHE).as_uri()}?mode=ro", uri=True, timeout=60)
        paths = [project / "photos" / name_of(index) for index in range(number + 1)]
        found = [self._store.execute(OF_PATH, [os.fsencode(path)]).fetchone() for path in paths]
        self._rows = [row for row, _ in found]
        self.digests = np.array([bytearray.fromhex(digest) for _, digest in found], np.uint8)

    @lru_cache(2048)  # noqa: B019
    def grey(self, number: int) -> Pixels:
        one = self._store.execute("SELECT thumbnail FROM measured WHERE id = ?", [self._rows[number]])
        return thumbnail(Fingerprint("", one.fetchone()[0]))


def timed(what: str, size: int, call: Callable[[], Result]) -> tuple[Figure, Result]:
    cpu, wall = time.process_time(), time.perf_counter()
    result = call()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = time.process_time() - cpu, time.perf_counter() - wall
    return Figure(what, size, *spent, peak), result


def searches(prints: Prints, number: int) -> Iterator[tuple[Figure, Rows]]:
    """Anew; with a picture changed that is no centre; with one that is."""

    def among(which: np.ndarray, before: Rows | None = None) -> Rows:
        prints.grey.cache_clear()
        return search(
            prints.digests[which], lambda place: prints.grey(int(which[place])), lambda _: None, before
        )

    everything = np.arange(number)
    figure, rows = timed("search", number, lambda: among(everything))
    yield figure, rows
    centres = drawn(prints.digests[:number])
    plain = np.setdiff1d(everything, centres)
    for what, some in (("one changed", plain), ("one centre changed", centres)):
        if len(some):
            which = everything.copy()
            which[some[len(some) // 2]] = number
            yield timed(f"search, {what}", number, lambda which=which: among(which, rows))


def recall(found: Sequence[Candidate], prints: Prints, number: int) -> str:
    """How many of the copies that were drawn are among the candidates, and of these how many are proved."""
    least = load_thresholds("photo").similarity_warn
    assert least is not None
    places = {name_of(index): index for index in range(number)}
    pairs = {tuple(sorted((places[one], places[other]))) for one, other in known_pairs(number)}
    there = [one for one in found if tuple(sorted((one.query, one.other))) in pairs]
    proved = sum(agreement(one, prints.grey(one.query), prints.grey(one.other)) >= least for one in there)
    return f"of {len(pairs)} copies {len(there)} are candidates, {proved} proved"


def main(arguments: Sequence[str]) -> None:
    import cv2

    cv2.setNumThreads(1)
    project, file, *numbers = arguments
    for number in map(int, numbers):
        prints = Prints(Path(project).absolute(), number)
        figures = list(searches(prints, number))
        for figure, _ in figures:
            keep(figure, Path(file))
        found = candidates(figures[0][1])
        sample = [found[at] for at in np.linspace(0, len(found) - 1, min(SAMPLE, len(found))).astype(int)]
        figure, _ = timed(
            "compare",
            number,
            lambda sample=sample, prints=prints: [
                agreement(one, prints.grey(one.query), prints.grey(one.other)) for one in sample
            ],
        )
        each = figure.cpu_s / len(sample)
        print(f"{len(found) / number:.1f} candidates a picture, {each * 1e3:.2f} ms each, ", end="")
        print(f"{each * len(found):.0f} s in all; {recall(found, prints, number)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
