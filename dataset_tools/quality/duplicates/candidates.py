"""Which pairs are worth a look: what a search found, most alike first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dataset_tools.quality.duplicates.cells import Integers
from dataset_tools.quality.duplicates.searched import Rows
from dataset_tools.quality.duplicates.windows import EQUAL, PLACES, WINDOWS, Box


class Candidate(NamedTuple):
    """Picture ``query``, turned by ``orientation``, is like ``place`` in picture ``other``."""

    similarity: float
    query: int
    other: int
    orientation: int
    place: Box


def candidates(rows: Rows) -> Sequence[Candidate]:
    """One candidate a pair, the better of its two directions."""
    query, at = (index.astype(np.int32) for index in np.nonzero(rows["other"] >= 0))
    value, other, how = (rows[field][query, at] for field in ("value", "other", "how"))
    low, high = np.minimum(query, other), np.maximum(query, other)
    order = np.lexsort((query, -value, high, low))
    first = np.diff(low[order], prepend=-1) | np.diff(high[order], prepend=-1)
    best = order[first != 0]
    best = best[np.lexsort((other[best], query[best], -value[best]))]
    return _Pairs(value[best], query[best], other[best], how[best])


class _Pairs(Sequence[Candidate]):
    """Candidates in arrays: 14 bytes each instead of some 200."""

    def __init__(self, value: Integers, query: Integers, other: Integers, how: Integers) -> None:
        self._value, self._query, self._other, self._how = value, query, other, how

    def __len__(self) -> int:
        return len(self._value)

    def __getitem__(self, i: int) -> Candidate:
        orientation, place = divmod(int(self._how[i]), WINDOWS)
        pair = int(self._query[i]), int(self._other[i])
        return Candidate(int(self._value[i]) / EQUAL, *pair, orientation, PLACES[place])
