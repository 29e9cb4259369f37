"""A search for copies as it is kept: a row a picture, so that the next one asks only for what changed.

What a search finds hangs on the set alone. A row of the last one still holds but for what it met and meets no
more, and for what it meets now and did not: `carried_over` says which that is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataset_tools.quality.duplicates.cells import LOST, NONE, PROBES, Integers, bounded, drawn
from dataset_tools.quality.duplicates.shortlists import MOST_OF_ONE, NOBODY
from dataset_tools.quality.duplicates.windows import LENGTH, ORIENTATIONS, WINDOWS

Bools = npt.NDArray[np.bool_]
ROW = np.dtype(
    [
        ("digest", "u1", 32),
        ("whole", "<i2", LENGTH),
        ("cells", "<i2", WINDOWS),
        ("probes", "<i2", (ORIENTATIONS, PROBES)),
        ("value", "<i4", MOST_OF_ONE),
        ("other", "<i4", MOST_OF_ONE),
        ("how", "<i2", MOST_OF_ONE),
    ]
)
"""``cells``: the centres that its windows lie under; ``probes``: those that it asks under; its shortlist."""
Rows = npt.NDArray[np.void]
GONE = -2
"""Where a shortlist names a picture that is not in the set any more."""
MOST_NEW = 16
"""With more new and lost pictures than one in so many, a whole search is as fast."""


class Carried(NamedTuple):
    """``rows`` of the pictures of now. ``new``: those without one before, [N].

    ``centres``: the pictures that are centres now; ``came``: the numbers of those that were none before;
    ``stayed``: whether all are as they were.
    """

    rows: Rows
    new: Bools
    centres: Integers
    came: Integers
    stayed: bool

    def unplaced(self) -> Integers:
        """The pictures whose place among the centres has to be found."""
        return np.flatnonzero(self.new) if self.stayed else np.arange(len(self.rows))


def carried_over(digests: Integers, before: Rows | None) -> Carried:
    """Rows for the pictures of those ``digests``, uint8 [N, 32], with what ``before`` tells of them."""
    rows, centres = np.zeros(len(digests), ROW), drawn(digests)
    rows["digest"] = digests
    rows["cells"], rows["probes"], rows["other"] = LOST, LOST, NOBODY
    was = _places(digests, before) if before is not None else np.full(len(digests), NOBODY)
    if before is None or _too_many(was, len(before)):
        return Carried(rows, np.ones(len(digests), bool), centres, centres[:0], False)
    kept = np.flatnonzero(was >= 0)
    rows[kept] = before[was[kept]]
    now = np.full(len(before) + 1, GONE, np.int32)
    now[was[kept]], now[NOBODY] = kept, NOBODY
    rows["other"][kept] = now[rows["other"][kept]]
    numbers, came = _numbers_now(before["digest"], digests, centres)
    for field in ("cells", "probes"):
        rows[field][kept] = numbers[rows[field][kept]]
    return Carried(rows, was < 0, centres, came, not len(came) and LOST not in numbers)


def _places(digests: Integers, before: Rows) -> Integers:
    places = {one.tobytes(): place for place, one in enumerate(before["digest"])}
    return np.array([places.get(one.tobytes(), NOBODY) for one in digests])


def _too_many(was: Integers, before: int) -> bool:
    new = np.count_nonzero(was < 0)
    lost = before - (len(was) - new)
    return (new + lost) * MOST_NEW > len(was)


def _numbers_now(before: Integers, digests: Integers, centres: Integers) -> tuple[Integers, Integers]:
    """The number that each centre of before has now, `NONE` after the last, and the centres that are new."""
    numbers = {one.tobytes(): number for number, one in enumerate(digests[centres])}
    were = [one.tobytes() for one in before[drawn(before)]]
    came = np.array(sorted(numbers[one] for one in numbers.keys() - set(were)), int)
    if not were and not numbers:
        return np.array([0, NONE], np.int16), came
    return np.array([*(numbers.get(one, LOST) for one in were or [b""]), NONE], np.int16), came


def still_met(rows: Rows) -> Bools:
    """Of each shortlist what still is there, and lies under a centre that its picture asks under."""
    met = np.zeros(rows["other"].shape, bool)
    for part in bounded(np.arange(len(rows))):
        orientation, window = np.divmod(rows["how"][part], WINDOWS)
        cell = rows["cells"][rows["other"][part], window]
        asked = rows["probes"][part[:, None], orientation]
        met[part] = (rows["other"][part] >= 0) & (asked == cell[..., None]).any(axis=2)
    return met
