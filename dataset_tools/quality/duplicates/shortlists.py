"""The candidates of each picture: those most alike, a row each.

What a row holds in the end does not hang on the order in which its candidates came: of two that are equally
alike, the one with the lesser digest is kept, and of two ways to lay it, the lesser number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dataset_tools.quality.duplicates.cells import Integers
from dataset_tools.quality.duplicates.windows import EQUAL, WINDOWS, Floats

LEAST = 0.58
MOST_OF_ONE = 16
"""So many candidates are kept of one picture: those most alike."""
LEAST_VALUE = int(LEAST * EQUAL) + 1
NOBODY = -1


class Shortlists:
    """Rows of ``value`` (the product), ``other`` (its number) and ``how``, each [N, `MOST_OF_ONE`].

    ``how`` is orientation × `WINDOWS` + window. They are filled in place.
    """

    def __init__(self, value: Integers, other: Integers, how: Integers, digests: Integers) -> None:
        self._value, self._other, self._how = value, other, how
        self._behind = np.ascontiguousarray(digests[:, 9:13]).view(">u4").ravel().astype(np.int64)
        self._least = np.where((other >= 0).all(axis=1), value.min(axis=1), LEAST_VALUE)

    def add(self, pictures: Integers, orientation: int, windows: Integers, alike: Floats) -> None:
        """``alike``: [pictures, windows]; window ``w`` is the one numbered ``w % WINDOWS`` of its picture."""
        hot = np.flatnonzero(alike.max(axis=1) >= self._least[pictures])
        query, alike = pictures[hot], alike[hot]
        down, across = np.nonzero(alike >= self._least[query, None])
        value, owner = alike[down, across].astype(np.int64), query[down]
        other, window = np.divmod(windows[across], WINDOWS)
        how = orientation * WINDOWS + window
        order = np.lexsort((how, -value, other, owner))
        new = np.diff(owner[order], prepend=-1) | np.diff(other[order], prepend=-1)
        for at in order[(new != 0) & (owner != other)[order]]:
            self._keep(owner[at], value[at], other[at], how[at])

    def _keep(self, query: int, value: int, other: int, how: int) -> None:
        """In the row of ``query``, in the place of the same picture, else of the least alike."""
        same = np.flatnonzero(self._other[query] == other)
        if same.size:
            place = same[0]
            better = (value, -how) > (self._value[query, place], -self._how[query, place])
        else:
            ranks = self._ranks(query)
            place = ranks.argmin()
            better = self._rank(value, other) > ranks[place]
        if better:
            self._value[query, place], self._other[query, place], self._how[query, place] = value, other, how
            full = (self._other[query] >= 0).all()
            self._least[query] = self._value[query].min() if full else LEAST_VALUE

    def _ranks(self, query: int) -> npt.NDArray[np.int64]:
        return np.where(self._other[query] >= 0, self._rank(self._value[query], self._other[query]), -1)

    def _rank(self, value: Integers | int, other: Integers | int) -> npt.NDArray[np.int64]:
        """Greater for what is more alike; of equally alike ones for the lesser digest."""
        return (np.asarray(value, np.int64) << 32) + (2**32 - 1 - self._behind[other])
