"""Duplicates as groups: each picture's best copy first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dataset_tools.quality.qc_record import QcRecord


def duplicate_groups(records: Sequence[QcRecord]) -> list[list[int]]:
    """Indices of records of one picture: the copy that the others are duplicates of, then the most alike.

    A duplicate of a duplicate belongs to the same group; groups come in the order of their first pictures.
    """
    index = {record.path: number for number, record in enumerate(records)}
    original = {
        number: index[record.duplicate_of]
        for number, record in enumerate(records)
        if record.duplicate_of in index
    }
    groups: dict[int, list[int]] = {}
    for number in original:
        groups.setdefault(_root(number, original), []).append(number)
    for root, members in groups.items():
        members.sort(key=lambda number: (-_similarity(records[number]), number))
        members[:] = [root, *(number for number in members if number != root)]
    return [groups[root] for root in sorted(groups)]


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
