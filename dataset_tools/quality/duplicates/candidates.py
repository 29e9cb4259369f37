"""Which pairs are worth a look: one picture, whole, is like a window of another.

Windows are sorted under the nearest of so many centres, and a picture is compared only with those under the
centres nearest to itself (an inverted file: Jégou, Douze & Schmid 2011, section IV). Up to `PROBES` centres
that is every pair. Memory is bounded by the blocks and by a kilobyte and a half a picture. Time grows as the
number of pictures times that of centres.
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
    turned_back,
    whole,
)

LEAST = 0.58
MOST_OF_ONE = 16
"""So many candidates are kept of one picture: those most alike."""
PICTURES_A_CENTRE, MOST_CENTRES, PROBES = 64, 2048, 16
BLOCKS, LEAST_BLOCK, MOST_BLOCK = 32, 256, 4096
"""In how many blocks the windows are looked through, and how many pictures may be in one: 20 KB each."""
ROWS_AT_ONCE = 1024

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
    for block in _blocks(count):
        vectors = np.concatenate([descriptors(thumbnail(index)) for index in block])
        for columns, under in _sorted(vectors, centres):
            numbers = columns + block.start * WINDOWS
            for orientation, pictures in _asked(probed[under], count):
                windows = turned_back(vectors[columns], orientation)
                best.add(pictures, orientation, numbers, wholes[pictures].astype(np.float32) @ windows.T)
        advance(len(block))
    return best.pairs()


def _blocks(count: int) -> Iterator[range]:
    """Pictures whose windows are held at a time. Every block asks all pictures, so the more the larger."""
    size = min(max(count // BLOCKS, LEAST_BLOCK), MOST_BLOCK)
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def _queries(wholes: Floats, rows: np.ndarray) -> Floats:
    """Row ``o * len(wholes) + i`` is picture ``i`` in orientation ``o``: [len(rows), `LENGTH`]."""
    orientations, pictures = np.divmod(rows, len(wholes))
    return oriented(wholes[pictures].astype(np.float32), orientations)


def _centres(wholes: Floats) -> Floats:
    """Pictures of the set, at even distances in it, in any orientation: [C, `LENGTH`]."""
    wanted = min(max(len(wholes) // PICTURES_A_CENTRE, 1), MOST_CENTRES)
    return _queries(wholes, np.linspace(0, len(wholes) * ORIENTATIONS - 1, wanted).round().astype(int))


def _probed(wholes: Floats, centres: Floats) -> list[np.ndarray]:
    """For each centre the rows of `_queries` that have it among their `PROBES` nearest, in order."""
    count = len(wholes) * ORIENTATIONS
    if len(centres) <= PROBES:
        return [np.arange(count)]
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


def _sorted(vectors: Floats, centres: Floats) -> Iterator[tuple[np.ndarray, int]]:
    """Rows of ``vectors``, some at a time, and the centre that they are under: 0 for all when all meet."""
    if len(centres) <= PROBES:
        yield from ((columns, 0) for columns in _bounded(np.arange(len(vectors))))
        return
    parts = [np.argmax(vectors[rows] @ centres.T, axis=1) for rows in _bounded(np.arange(len(vectors)))]
    assigned = np.concatenate(parts)
    order = np.argsort(assigned, kind="stable")
    for columns in np.split(order, np.flatnonzero(np.diff(assigned[order])) + 1):
        yield from ((part, assigned[columns[0]]) for part in _bounded(columns))


def _asked(rows: np.ndarray, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Orientations, and the pictures that are asked for in them, of ``rows`` of the queries, in order."""
    bounds = np.searchsorted(rows, np.arange(ORIENTATIONS + 1) * count)
    for orientation in range(ORIENTATIONS):
        pictures = rows[bounds[orientation] : bounds[orientation + 1]] - orientation * count
        yield from ((orientation, part) for part in _bounded(pictures))


def _bounded(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, max(-(-len(rows) // ROWS_AT_ONCE), 1)) if len(rows) else []


class _Best:
    """The `MOST_OF_ONE` best candidates of each picture, a row each."""

    def __init__(self, count: int) -> None:
        self._value = np.full((count, MOST_OF_ONE), LEAST, np.float32)
        self._other = np.full((count, MOST_OF_ONE), -1, np.int32)
        self._how = np.zeros((count, MOST_OF_ONE), np.int32)
        self._least = np.full(count, LEAST, np.float32)

    def add(self, pictures: np.ndarray, orientation: int, windows: np.ndarray, alike: Floats) -> None:
        """``alike``: [pictures, windows]; window ``w`` is the one numbered ``w % WINDOWS`` of its picture."""
        hot = np.flatnonzero(alike.max(axis=1) > self._least[pictures])
        query, alike = pictures[hot], alike[hot]
        down, across = np.nonzero(alike > self._least[query, None])
        value, owner = alike[down, across], query[down]
        other, window = np.divmod(windows[across], WINDOWS)
        how = orientation * WINDOWS + window
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
