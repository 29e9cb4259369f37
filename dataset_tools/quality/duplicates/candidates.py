"""Which pairs are worth a look: one picture, whole, is like a window of another.

Windows are sorted under the nearest of so many centres, and a picture is compared only with those under the
centres nearest to itself (an inverted file: Jégou, Douze & Schmid 2011, section IV). Up to `PROBES` centres
that is every pair. Memory is bounded by the blocks and by a kilobyte and a half a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.windows import (
    LENGTH,
    ORIENTATIONS,
    PLACES,
    WINDOWS,
    Box,
    Floats,
    descriptors,
    oriented,
    whole,
)

LEAST = 0.58
MOST_OF_ONE = 16
"""So many candidates are kept of one picture: those most alike."""
PICTURES_A_CENTRE, MOST_CENTRES, PROBES = 64, 2048, 16
BLOCK, QUERIES_AT_ONCE = 256, 1024

Thumbnails = Callable[[int], Pixels]


class Candidate(NamedTuple):
    """Picture ``query``, turned by ``orientation``, is like ``place`` in picture ``other``."""

    similarity: float
    query: int
    other: int
    orientation: int
    place: Box


def candidates(count: int, thumbnail: Thumbnails, advance: Callable[[int], None]) -> Sequence[Candidate]:
    """The candidates among ``count`` pictures, most alike first; ``advance`` is told of pictures done."""
    if count < 2:
        return []
    wholes = np.empty((count, LENGTH), np.float16)
    for index in range(count):
        wholes[index] = whole(thumbnail(index))
    centres = _centres(wholes)
    probed = _probed(wholes, centres)
    best = _Best(count)
    for start in range(0, count, BLOCK):
        block = range(start, min(start + BLOCK, count))
        vectors = np.concatenate([descriptors(thumbnail(index)) for index in block])
        for rows, columns in _meetings(vectors, centres, probed):
            best.add(rows, columns, _queries(wholes, rows) @ vectors[columns].T, start)
        advance(len(block))
    return best.pairs()


def _queries(wholes: Floats, rows: np.ndarray) -> Floats:
    """Row ``8 * i + o`` is picture ``i`` in orientation ``o``: [len(rows), `LENGTH`]."""
    return oriented(wholes[rows // ORIENTATIONS].astype(np.float32), rows % ORIENTATIONS)


def _centres(wholes: Floats) -> Floats:
    """Pictures of the set, at even distances in it, in any orientation: [C, `LENGTH`]."""
    wanted = min(max(len(wholes) // PICTURES_A_CENTRE, 1), MOST_CENTRES)
    return _queries(wholes, np.linspace(0, len(wholes) * ORIENTATIONS - 1, wanted).round().astype(int))


def _probed(wholes: Floats, centres: Floats) -> list[np.ndarray]:
    """For each centre the rows of `_queries` that have it among their `PROBES` nearest, in order."""
    count = len(wholes) * ORIENTATIONS
    if len(centres) <= PROBES:
        return [np.arange(count)] * len(centres)
    nearest = np.empty((count, PROBES), np.int16)
    for rows in _bounded(np.arange(count)):
        alike = _queries(wholes, rows) @ centres.T
        nearest[rows] = np.argpartition(alike, -PROBES, axis=1)[:, -PROBES:]
    return _listed(nearest, len(centres))


def _listed(nearest: np.ndarray, centres: int) -> list[np.ndarray]:
    """The rows under each of their centres: a counting sort, a part at a time."""
    counts = np.bincount(nearest.ravel(), minlength=centres)
    ends = np.cumsum(counts)
    free = ends - counts
    listed = np.empty(nearest.size, np.int32)
    for rows in _bounded(np.arange(len(nearest))):
        part = nearest[rows].ravel()
        order = np.argsort(part, kind="stable")
        under = part[order]
        here = np.bincount(under, minlength=centres)
        within = np.arange(len(under)) - (np.cumsum(here) - here)[under]
        listed[free[under] + within] = rows[order // PROBES]
        free += here
    return np.split(listed, ends[:-1])


def _meetings(
    vectors: Floats, centres: Floats, probed: list[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of the queries and rows of ``vectors`` to compare."""
    if len(centres) <= PROBES:
        everything = np.arange(len(vectors))
        for part in _bounded(probed[0]):
            yield part, everything
        return
    assigned = np.argmax(vectors @ centres.T, axis=1)
    order = np.argsort(assigned, kind="stable")
    for columns in np.split(order, np.flatnonzero(np.diff(assigned[order])) + 1):
        for part in _bounded(probed[assigned[columns[0]]]):
            yield part, columns


def _bounded(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, max(-(-len(rows) // QUERIES_AT_ONCE), 1)) if len(rows) else []


class _Best:
    """The `MOST_OF_ONE` best candidates of each picture, a row each."""

    def __init__(self, count: int) -> None:
        self._value = np.full((count, MOST_OF_ONE), LEAST, np.float32)
        self._other = np.full((count, MOST_OF_ONE), -1, np.int32)
        self._how = np.zeros((count, MOST_OF_ONE), np.int32)
        self._least = np.full(count, LEAST, np.float32)

    def add(self, rows: np.ndarray, columns: np.ndarray, alike: Floats, start: int) -> None:
        """``alike``: [rows, columns]; columns are windows of pictures from ``start`` on."""
        query = rows // ORIENTATIONS
        down, across = np.nonzero(alike > self._least[query, None])
        value, owner, other = alike[down, across], query[down], start + columns[across] // WINDOWS
        how = rows[down] % ORIENTATIONS * WINDOWS + columns[across] % WINDOWS
        order = np.lexsort((-value, other, owner))
        new = np.diff(owner[order], prepend=-1) | np.diff(other[order], prepend=-1)
        for at in order[(new != 0) & (owner != other)[order]]:
            self._keep(owner[at], value[at], other[at], how[at])

    def _keep(self, query: int, value: float, other: int, how: int) -> None:
        """In the row of ``query``, in the place of the same picture, else of the least alike."""
        same = np.flatnonzero(self._other[query] == other)
        place = same[0] if same.size else self._value[query].argmin()
        if value > self._value[query, place]:
            self._value[query, place], self._other[query, place], self._how[query, place] = value, other, how
            self._least[query] = self._value[query].min()

    def pairs(self) -> _Pairs:
        """One candidate a pair, the better of its two directions."""
        query, at = (index.astype(np.int32) for index in np.nonzero(self._other >= 0))
        value, other, how = self._value[query, at], self._other[query, at], self._how[query, at]
        low, high = np.minimum(query, other), np.maximum(query, other)
        order = np.lexsort((query, -value, high, low))
        first = np.diff(low[order], prepend=-1) | np.diff(high[order], prepend=-1)
        best = order[first != 0]
        best = best[np.lexsort((other[best], query[best], -value[best]))]
        return _Pairs(value[best], query[best], other[best], how[best])


class _Pairs(Sequence[Candidate]):
    """Candidates in arrays: 16 bytes each instead of some 200."""

    def __init__(self, value: Floats, query: np.ndarray, other: np.ndarray, how: np.ndarray) -> None:
        self._value, self._query, self._other, self._how = value, query, other, how

    def __len__(self) -> int:
        return len(self._value)

    def __getitem__(self, i: int) -> Candidate:
        orientation, place = divmod(int(self._how[i]), WINDOWS)
        pair = int(self._query[i]), int(self._other[i])
        return Candidate(float(self._value[i]), *pair, orientation, PLACES[place])
