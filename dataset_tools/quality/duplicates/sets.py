"""Disjoint sets of numbers, joined two by two (Tarjan 1975)."""

from __future__ import annotations

from collections.abc import Iterable


class Groups:
    """Disjoint sets; what was never joined to another is in none of them."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def _top(self, index: int) -> int:
        while (above := self._above.get(index, index)) != index:
            self._above[index] = self._above.get(above, above)
            index = above
        return index

    def joined(self, one: int, other: int) -> bool:
        return self._top(one) == self._top(other)

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self._top(one), self._top(other)))
        if low != high:
            self._above[high] = low
            self._above.setdefault(low, low)

    def sets(self) -> Iterable[list[int]]:
        """Each set's members."""
        members: dict[int, list[int]] = {}
        for index in self._above:
            members.setdefault(self._top(index), []).append(index)
        return members.values()
