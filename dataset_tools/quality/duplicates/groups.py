"""Groups of copies, and the best picture of each, which the others are duplicates of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from dataset_tools.pictures.images import Pixels
from dataset_tools.progress import progress
from dataset_tools.quality.duplicates.candidates import Candidate, candidates
from dataset_tools.quality.duplicates.compared import Known, Seen, compared
from dataset_tools.quality.duplicates.search import search
from dataset_tools.quality.duplicates.searched import Rows
from dataset_tools.quality.duplicates.sets import Groups
from dataset_tools.quality.duplicates.thumbnails import Fingerprint, thumbnail

THUMBNAILS_KEPT = 2048


class Match(NamedTuple):
    """``original`` is the index of the best copy, ``equal`` whether every pixel is the same."""

    original: int
    similarity: float
    equal: bool = False


class AlikePair(NamedTuple):
    """Pictures ``one`` and ``other``, by index, are copies of each other."""

    one: int
    other: int
    similarity: float


class LastSearch(Protocol):
    """What the last search among nearly the same pictures found, where there is one."""

    def rows(self) -> Rows | None: ...

    def keep(self, rows: Rows) -> None: ...


def find_duplicates(
    prints: Sequence[Fingerprint | None], least: float | None, ranks: Sequence[Any] | None = None
) -> dict[int, Match]:
    """The best copy of each picture that is equal to others, or at least ``least`` alike (None: equal only).

    Best is the least of ``ranks``, then the earliest. Similarity is that to the most alike copy. ``prints``
    may read its items from disk: each is asked for a few times and not kept.
    """
    first = first_of_equals(prints)
    return matches(first, [] if least is None else alike_pairs(prints, first, least), ranks)


def first_of_equals(prints: Iterable[Fingerprint | None]) -> dict[int, int]:
    """Picture → the earliest with the same pixels, itself where there is none before it."""
    first: dict[bytes, int] = {}
    return {
        index: first.setdefault(bytes.fromhex(one.digest), index) for index, one in enumerate(prints) if one
    }


def alike_pairs(
    prints: Sequence[Fingerprint | None],
    first: Mapping[int, int],
    least: float,
    known: Known | None = None,
    last: LastSearch | None = None,
) -> list[AlikePair]:
    """Pairs of different pictures that are at least ``least`` alike: enough of them to tell every group.

    What is ``known`` is not compared again, and what is compared becomes known; of the ``last`` search what
    still holds is taken over. Neither changes what is found.
    """
    indices = [index for index, earliest in first.items() if index == earliest]
    if len(indices) < 2:
        return []
    digests = np.array([bytearray.fromhex(prints[index].digest) for index in indices], np.uint8)

    @lru_cache(THUMBNAILS_KEPT)
    def grey(number: int) -> Pixels:
        one = prints[indices[number]]
        assert one is not None
        return thumbnail(one)

    seen = Seen(lambda number: digests[number].tobytes(), grey)
    with progress("copies: search", 2 * len(indices)) as bar:
        rows = search(digests, grey, bar.advance, last.rows() if last else None)
    if last:
        last.keep(rows)
    found = candidates(rows)
    pairs, groups = [], Groups()

    def is_open(candidate: Candidate) -> bool:
        return not groups.joined(candidate.query, candidate.other)

    with progress("copies: compare", len(found)) as bar:
        for candidate, value in compared(found, seen, is_open, known if known is not None else {}):
            if value >= least and is_open(candidate):
                groups.join(candidate.query, candidate.other)
                pairs.append(AlikePair(indices[candidate.query], indices[candidate.other], value))
            bar.advance()
    return pairs


def matches(
    first: Mapping[int, int], pairs: Iterable[AlikePair], ranks: Sequence[Any] | None = None
) -> dict[int, Match]:
    """Picture → the best of its group, from `first_of_equals` and `alike_pairs`."""
    groups, similarity = Groups(), dict[int, float]()
    for index, earliest in first.items():
        groups.join(earliest, index)
    for pair in pairs:
        groups.join(pair.one, pair.other)
        for index in (pair.one, pair.other):
            similarity[index] = max(pair.similarity, similarity.get(index, 0.0))
    found = {}
    for members in groups.sets():
        best = min(members, key=lambda index: (ranks[index] if ranks else 0, index))
        for index in members:
            equal = first[index] == first[best]
            if index != best:
                found[index] = Match(best, 1.0 if equal else similarity[first[index]], equal)
    return dict(sorted(found.items()))
