"""The search for pictures that, whole, are like a window of another one.

A picture meets only the windows under the centres nearest to itself (`cells`). Memory is bounded by the
blocks and by a kilobyte and a half a picture. Time grows as the number of pictures times that of centres; in
a set that was searched before, only those meet that did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from dataset_tools.pictures.images import Pixels
from dataset_tools.quality.duplicates.cells import (
    Integers,
    bounded,
    centres_of,
    counts_under,
    nearer,
    probed,
    rows_under,
    under_any,
)
from dataset_tools.quality.duplicates.searched import Bools, Carried, Rows, carried_over, still_met
from dataset_tools.quality.duplicates.shortlists import NOBODY, Shortlists
from dataset_tools.quality.duplicates.windows import (
    LENGTH,
    ORIENTATIONS,
    WINDOWS,
    Floats,
    descriptors,
    turned_back,
    whole,
)

BLOCKS, LEAST_BLOCK, MOST_BLOCK = 16, 256, 2048
"""In how many blocks the windows are looked through, and how many pictures may be in one: 10 KB each."""

Thumbnails = Callable[[int], Pixels]
Advance = Callable[[int], None]
"""Is told of so many more pictures that are laid under their centres, and again that are compared."""


def search(digests: Integers, thumbnail: Thumbnails, advance: Advance, before: Rows | None = None) -> Rows:
    """What is found among pictures of those ``digests``, uint8 [N, 32].

    ``before``, what an earlier search found, saves time and changes nothing.
    """
    carried = carried_over(digests, before)
    rows = carried.rows
    centres = centres_of(_wholes(carried.centres, thumbnail), digests[carried.centres])
    moved = _lay(carried, centres, thumbnail, advance)
    asks = _ask(carried, centres)
    anew = carried.new | ((rows["other"] != NOBODY) & ~still_met(rows)).any(axis=1)
    rows["other"][anew], asks[anew] = NOBODY, True
    asks &= rows["probes"] >= 0
    _meet(rows, max(len(centres), 1), moved, asks, thumbnail, advance)
    return rows


def _wholes(numbers: Integers, thumbnail: Thumbnails) -> Floats:
    return np.array([whole(thumbnail(number)) for number in numbers], np.float32).reshape(-1, LENGTH)


def _lay(carried: Carried, centres: Floats, thumbnail: Thumbnails, advance: Advance) -> Bools:
    """Lay windows under their centres; those that were not there before, [N, `WINDOWS`]."""
    rows, moved = carried.rows, np.zeros(carried.rows["cells"].shape, bool)
    for number in carried.unplaced():
        windows, before = descriptors(thumbnail(number)), rows["cells"][number]
        cells = nearer(windows, before, centres, carried.came)
        moved[number] = (cells != before) & (cells >= 0)
        rows["whole"][number], rows["cells"][number] = windows[0], cells
        advance(1)
    advance(len(rows) - len(carried.unplaced()))
    return moved


def _ask(carried: Carried, centres: Floats) -> Bools:
    """Find what pictures ask under; where they did not before, [N, `ORIENTATIONS`, `PROBES`]."""
    rows, asks = carried.rows, np.zeros(carried.rows["probes"].shape, bool)
    for part in bounded(carried.unplaced()):
        found = probed(rows["whole"][part].astype(np.float32), centres)
        asks[part] = (found[..., None] != rows["probes"][part][..., None, :]).all(axis=3)
        rows["probes"][part] = found
    return asks


def _meet(rows: Rows, count: int, moved: Bools, asks: Bools, thumbnail: Thumbnails, advance: Advance) -> None:
    """Those that ``asks`` meet every window under a centre; those that asked there before, what ``moved``.

    ``count``: of centres.
    """
    probes, cells = rows["probes"], rows["cells"]
    changed = counts_under(cells, moved, count) > 0
    askers = rows_under(probes, asks, count)
    others = rows_under(probes, under_any(probes, changed) & ~asks, count)
    asked = np.array([len(one) > 0 for one in askers], bool)
    needed = np.flatnonzero((moved | under_any(cells, asked)).any(axis=1))
    lists = Shortlists(rows["value"], rows["other"], rows["how"], rows["digest"])
    for block in _blocks(needed):
        vectors = _all_windows(block, thumbnail)
        names = (block[:, None] * WINDOWS + np.arange(WINDOWS)).ravel()
        new = moved[block].ravel()
        for columns, cell in _by_cell(cells[block].ravel()):
            for queries, met in ((askers[cell], columns), (others[cell], columns[new[columns]])):
                _compare(lists, rows["whole"], queries, vectors[met].astype(np.float32), names[met])
        advance(len(block))
    advance(len(rows) - len(needed))


def _all_windows(block: Integers, thumbnail: Thumbnails) -> Integers:
    """The windows of those pictures, a picture after the other: [N, `LENGTH`]."""
    found = np.empty((len(block), WINDOWS, LENGTH), np.int16)
    for place, number in enumerate(block):
        found[place] = descriptors(thumbnail(number))
    return found.reshape(-1, LENGTH)


def _blocks(numbers: Integers) -> Iterator[Integers]:
    """Pictures whose windows are held at a time. Every block asks all pictures, so the more the larger."""
    size = min(max(len(numbers) // BLOCKS, LEAST_BLOCK), MOST_BLOCK)
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _by_cell(cells: Integers) -> Iterator[tuple[Integers, int]]:
    """The windows under each centre, some at a time; not those that show nothing."""
    order = np.argsort(cells, kind="stable")[np.count_nonzero(cells < 0) :]
    for columns in np.split(order, np.flatnonzero(np.diff(cells[order])) + 1):
        yield from ((part, int(cells[columns[0]])) for part in bounded(columns))


def _compare(
    lists: Shortlists, wholes: Integers, queries: Integers, windows: Floats, names: Integers
) -> None:
    """``queries``: orientation × N + picture, in order."""
    if not len(windows):
        return
    bounds = np.searchsorted(queries, np.arange(ORIENTATIONS + 1) * len(wholes))
    for orientation in np.flatnonzero(np.diff(bounds)):
        turned = turned_back(windows, orientation).T
        asking = queries[bounds[orientation] : bounds[orientation + 1]] - orientation * len(wholes)
        for pictures in bounded(asking):
            lists.add(pictures, orientation, names, wholes[pictures].astype(np.float32) @ turned)
