"""`python -m benchmarks.qc.duplicates`: copies found by kind, false pairs, CPU time of each step."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.qc.copies import BEYOND, COPIES
from benchmarks.qc.photographs import Photograph, Pixels, Split, photographs
from benchmarks.qc.strangers import quarters, strangers
from dataset_tools.pictures.pyramid import pyramid
from dataset_tools.quality.duplicates import find_duplicates, fingerprint
from dataset_tools.quality.thresholds import load_thresholds

SEEDS: dict[Split, int] = {"calibration": 1, "test": 2}


class Picture(NamedTuple):
    """``shows``: pictures that show the same are copies. ``kind``: how it was made, "" for an original."""

    shows: str
    kind: str
    rgb: Pixels


class Found(NamedTuple):
    """``kinds``: (found, all) copies of each kind; pairs are (original, copy) and those in one group."""

    kinds: dict[str, tuple[int, int]]
    false_pairs: list[tuple[str, str]]
    precision: float
    recall: float
    ms_a_picture: float
    comparing_s: float
    pictures: int

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def copies_and_strangers(split: Split) -> Iterator[Picture]:
    """Photographs, their copies, and pictures that are none of theirs."""
    rng = np.random.default_rng(SEEDS[split])
    chosen = [one for one in photographs() if one.split == split]
    for photograph in chosen:
        yield Picture(photograph.name, "", photograph.rgb)
        for kind, copy in {**COPIES, **BEYOND}.items():
            yield Picture(photograph.name, kind, copy(photograph.rgb, rng))
    for name, rgb in strangers(chosen, rng):
        yield Picture(name, "", rgb)


def parts(split: Split) -> Iterator[Picture]:
    """Quarters of the photographs: pictures of one place that have nothing in common."""
    chosen: list[Photograph] = [one for one in photographs() if one.split == split]
    yield from (Picture(name, "", rgb) for one in chosen for name, rgb in quarters(one))


def measured(pictures: Iterator[Picture], least: float) -> Found:
    """What `find_duplicates` makes of them with that limit."""
    prints, shows, spent = [], [], 0.0
    for picture in pictures:
        sizes = pyramid(picture.rgb)
        before = time.process_time()
        prints.append(fingerprint(picture.rgb, sizes))
        spent += time.process_time() - before
        shows.append((picture.shows, picture.kind))
    before = time.process_time()
    matches = find_duplicates(prints, least)
    comparing = time.process_time() - before
    group = [matches[index].original if index in matches else index for index in range(len(prints))]
    return _scored(shows, group, spent / len(prints) * 1e3, comparing)


def _scored(shows: list[tuple[str, str]], group: list[int], ms_a_picture: float, comparing_s: float) -> Found:
    original = {name: index for index, (name, kind) in enumerate(shows) if not kind}
    every, right, true = Counter(), Counter(), 0
    for index, (name, kind) in enumerate(shows):
        if kind:
            every[kind] += 1
            right[kind] += group[index] == group[original[name]]
    false = [
        (" ".join(shows[index]), " ".join(shows[best]))
        for index, best in enumerate(group)
        if shows[index][0] != shows[best][0]
    ]
    promised = [kind for kind in every if kind in COPIES]
    true, wanted = sum(right[kind] for kind in promised), sum(every[kind] for kind in promised)
    kinds = {kind: (right[kind], every[kind]) for kind in every}
    precision = true / (true + len(false)) if true else 1.0
    recall = true / wanted if wanted else 1.0
    return Found(kinds, false, precision, recall, ms_a_picture, comparing_s, len(shows))


def main() -> None:
    least = load_thresholds("photo").similarity_warn
    assert least is not None
    found = {split: measured(copies_and_strangers(split), least) for split in SEEDS}
    print(f"{'copies found':<28}{'calibration':>14}{'test':>14}")
    for kind in found["test"].kinds:
        cells = ("{} of {}".format(*found[split].kinds[kind]) for split in SEEDS)
        print(f"{kind:<28}" + "".join(f"{cell:>14}" for cell in cells))
    for split, one in found.items():
        apart = measured(parts(split), least)
        print(
            f"{split}: F1 {one.f1:.3f}, recall {one.recall:.3f}, {one.pictures} pictures; "
            f"false pairs {len(one.false_pairs)}, among parts {len(apart.false_pairs)}; "
            f"{one.ms_a_picture:.2f} ms a fingerprint, {one.comparing_s:.1f} s to compare all"
        )
        for pair in [*one.false_pairs, *apart.false_pairs]:
            print("  false:", *pair, sep=" | ")


if __name__ == "__main__":
    main()
