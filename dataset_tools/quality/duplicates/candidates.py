"""Which pairs are worth a look: one picture, whole, is like a window of another.

Windows are sorted under the nearest of so many centres, and a picture is compared only with those under the
centres nearest to itself (an inverted file: Jégou, Douze & Schmid 2011, section IV). Up to `PROBES` centres
that is every pair. Memory is bounded by the blocks and by 256 bytes for each orientation of each picture.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.windows import (
    ORIENTATIONS,
    PLACES,
    WINDOWS,
    Box,
    Floats,
    descriptors,
    oriented,
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


def candidates(count: int, thumbnail: Thumbnails, advance: Callable[[int], None]) -> list[Candidate]:
    """The candidates among ``count`` pictures, most alike first; ``advance`` is told of pictures done."""
    if count < 2:
        return []
    queries = np.concatenate([oriented(thumbnail(index)) for index in range(count)])
    centres = _centres(queries)
    probed = _probed(queries, centres)
    best = _Best(count)
    for start in range(0, count, BLOCK):
        block = range(start, min(start + BLOCK, count))
        vectors = np.concatenate([descriptors(thumbnail(index)) for index in block])
        for rows, columns in _meetings(vectors, centres, probed):
            best.add(rows, columns, queries[rows] @ vectors[columns].T, start)
        advance(len(block))
    return best.pairs()


def _centres(queries: Floats) -> Floats:
    """Pictures of the set, at even distances in it: [C, `LENGTH`]."""
    wanted = min(max(len(queries) // ORIENTATIONS // PICTURES_A_CENTRE, 1), MOST_CENTRES)
    return queries[np.linspace(0, len(queries) - 1, wanted).round().astype(int)]


def _probed(vectors: Floats, centres: Floats) -> list[np.ndarray]:
    """For each centre the rows of ``vectors`` that have it among their `PROBES` nearest."""
    if len(centres) <= PROBES:
        return [np.arange(len(vectors))] * len(centres)
    nearest = np.concatenate(
        [
            np.argpartition(part @ centres.T, -PROBES, axis=1)[:, -PROBES:]
            for part in np.array_split(vectors, -(-len(vectors) // QUERIES_AT_ONCE))
        ]
    )
    order = np.argsort(nearest, axis=None, kind="stable")
    ends = np.searchsorted(nearest.ravel()[order], np.arange(1, len(centres)))
    return [np.sort(part // PROBES) for part in np.split(order, ends)]


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
    """The best candidates of each picture, in a heap of `MOST_OF_ONE`."""

    def __init__(self, count: int) -> None:
        self._kept: list[list[tuple[float, int, int, int]]] = [[] for _ in range(count)]
        self._least = np.full(count, LEAST, np.float32)

    def add(self, rows: np.ndarray, columns: np.ndarray, alike: Floats, start: int) -> None:
        """``alike``: [rows, columns]; columns are windows of pictures from ``start`` on."""
        query = rows // ORIENTATIONS
        down, across = np.nonzero(alike >= self._least[query, None])
        value, owner, other = alike[down, across], query[down], start + columns[across] // WINDOWS
        order = np.lexsort((-value, other, owner))
        new = np.diff(owner[order], prepend=-1) | np.diff(other[order], prepend=-1)
        for at in order[(new != 0) & (owner != other)[order]]:
            orientation, place = rows[down[at]] % ORIENTATIONS, columns[across[at]] % WINDOWS
            self._keep(int(owner[at]), (float(value[at]), int(other[at]), int(orientation), int(place)))

    def _keep(self, query: int, one: tuple[float, int, int, int]) -> None:
        kept = self._kept[query]
        same = next((at for at, old in enumerate(kept) if old[1] == one[1]), None)
        if same is not None:
            kept[same] = max(kept[same], one)
            heapq.heapify(kept)
        elif len(kept) < MOST_OF_ONE:
            heapq.heappush(kept, one)
        else:
            heapq.heappushpop(kept, one)
        if len(kept) == MOST_OF_ONE:
            self._least[query] = kept[0][0]

    def pairs(self) -> list[Candidate]:
        """One candidate a pair, the better of its two directions."""
        best: dict[tuple[int, int], Candidate] = {}
        for query, kept in enumerate(self._kept):
            for value, other, orientation, place in kept:
                key = (min(query, other), max(query, other))
                if key not in best or value > best[key].similarity:
                    best[key] = Candidate(value, query, other, orientation, PLACES[place])
        return sorted(best.values(), key=lambda one: (-one.similarity, one.query, one.other))
