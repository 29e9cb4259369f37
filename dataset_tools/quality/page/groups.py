"""Duplicates as groups: each picture's best copy first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dataset_tools.quality.qc_record import QcRecord


class DuplicateGroups:
    """Records of one picture, told one record after the other."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._original: dict[int, str] = {}
        self._similarity: dict[int, float] = {}

    def __len__(self) -> int:
        """The number of records told so far."""
        return len(self._number)

    def add(self, record: QcRecord) -> None:
        number = self._number[record.path] = len(self._number)
        if record.duplicate_of:
            self._original[number] = record.duplicate_of
            self._similarity[number] = _similarity(record)

    def all(self) -> list[list[int]]:
        """Numbers of records: the copy that the others are duplicates of, then the most alike.

        A duplicate of a duplicate belongs to the same group. Groups come in the order of their first
        pictures.
        """
        original = {
            number: self._number[path] for number, path in self._original.items() if path in self._number
        }
        groups: dict[int, list[int]] = {}
        for number in original:
            groups.setdefault(_root(number, original), []).append(number)
        for root, members in groups.items():
            members.sort(key=lambda number: (-self._similarity[number], number))
            members[:] = [root, *(number for number in members if number != root)]
        return [groups[root] for root in sorted(groups)]


def duplicate_groups(records: Iterable[QcRecord]) -> list[list[int]]:
    """`DuplicateGroups` of all ``records``."""
    groups = DuplicateGroups()
    for record in records:
        groups.add(record)
    return groups.all()


def _root(number: int, original: Mapping[int, int]) -> int:
    """Where the chain ends; in a ring, its lowest index."""
    seen = [number]
    while (following := original.get(seen[-1])) is not None:
        if following in seen:
            return min(seen[seen.index(following) :])
        seen.append(following)
    return seen[-1]


def _similarity(record: QcRecord) -> float:
    return max((reason.value or 0.0 for reason in record.reasons if reason.code == "duplicate"), default=0.0)
