"""Groups of copies, and the best picture of each, which the others are duplicates of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from dataset_tools.pictures.images import Pixels
from dataset_tools.progress import progress
from dataset_tools.quality.duplicates.agreement import agreement
from dataset_tools.quality.duplicates.candidates import Candidate, candidates
from dataset_tools.quality.duplicates.thumbnails import Fingerprint, thumbnail

THUMBNAILS_KEPT = 2048


class Match(NamedTuple):
    """``original`` is the index of the best copy, ``equal`` whether every pixel is the same."""

    original: int
    similarity: float
    equal: bool = False


def find_duplicates(
    prints: Sequence[Fingerprint | None], least: float | None, ranks: Sequence[Any] | None = None
) -> dict[int, Match]:
    """The best copy of each picture that is equal to others, or at least ``least`` alike (None: equal only).

    Best is the least of ``ranks``, then the earliest. Similarity is that to the most alike copy. ``prints``
    may read its items from disk: each is asked for a few times and not kept.
    """
    order = sorted(range(len(prints)), key=lambda index: (ranks[index] if ranks else 0, index))
    first = _first_of_equals(prints, order)
    groups = _Groups(order)
    if least is not None:
        _join_alike(prints, [index for index, best in first.items() if index == best], least, groups)
    found = {}
    for index, best in first.items():
        original = groups.best(best)
        if index != original:
            equal = best == original
            found[index] = Match(original, 1.0 if equal else groups.similarity[best], equal)
    return dict(sorted(found.items()))


def _first_of_equals(prints: Sequence[Fingerprint | None], order: Sequence[int]) -> dict[int, int]:
    """Picture → the best with the same pixels, itself where it is the only one."""
    best: dict[str, int] = {}
    return {index: best.setdefault(one.digest, index) for index in order if (one := prints[index])}


def _join_alike(
    prints: Sequence[Fingerprint | None], indices: list[int], least: float, groups: _Groups
) -> None:
    @lru_cache(THUMBNAILS_KEPT)
    def seen(number: int) -> Pixels:
        one = prints[indices[number]]
        assert one is not None
        return thumbnail(one)

    with progress("copies: search", len(indices)) as bar:
        found = candidates(len(indices), seen, bar.advance)
    with progress("copies: compare", len(found)) as bar:
        for candidate in found:
            _join(candidate, seen(candidate.query), seen(candidate.other), indices, least, groups)
            bar.advance()


def _join(
    candidate: Candidate, query: Pixels, other: Pixels, indices: list[int], least: float, groups: _Groups
) -> None:
    """Join the pair's groups if they agree; those already in one are not compared."""
    pair = indices[candidate.query], indices[candidate.other]
    if groups.best(pair[0]) == groups.best(pair[1]):
        return
    value = agreement(candidate, query, other)
    if value >= least:
        groups.join(*pair, value)


class _Groups:
    """Disjoint sets; the best of each is the earliest in ``order``."""

    def __init__(self, order: Sequence[int]) -> None:
        self._place = {index: place for place, index in enumerate(order)}
        self._above = {index: index for index in order}
        self.similarity: dict[int, float] = {}

    def best(self, index: int) -> int:
        while (above := self._above[index]) != index:
            self._above[index] = self._above[above]
            index = above
        return index

    def join(self, one: int, other: int, similarity: float) -> None:
        for index in (one, other):
            self.similarity[index] = max(similarity, self.similarity.get(index, 0.0))
        best, worse = sorted((self.best(one), self.best(other)), key=self._place.__getitem__)
        self._above[worse] = best
