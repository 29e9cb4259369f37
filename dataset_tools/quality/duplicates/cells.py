"""Which windows meet which pictures: a window lies under its nearest centre, a picture asks under several.

It is an inverted file (Jégou, Douze & Schmid 2011, section IV). Its centres are pictures of the set, drawn by
their digests: the same set has the same centres, whatever was searched before, and a picture that is added or
taken out is one of them once in `PICTURES_A_CENTRE` times.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dataset_tools.quality.duplicates.windows import ORIENTATIONS, Floats, oriented

Integers = npt.NDArray[np.integer]
PICTURES_A_CENTRE, MOST_CENTRES, PROBES = 64, 2048, 16
NONE, LOST = -1, -2
"""Under no centre: what shows nothing, and what lay under one that is none any more."""
ROWS_AT_ONCE = 1024


def drawn(digests: Integers) -> Integers:
    """The pictures that are centres, by their digests, uint8 [N, 32]; none where all pictures shall meet."""
    one_in = PICTURES_A_CENTRE
    while len(digests) > one_in * MOST_CENTRES:
        one_in *= 2
    chances = np.ascontiguousarray(digests[:, :8]).view(">u8").ravel()
    found = np.flatnonzero(chances % one_in == 0)
    return found[np.lexsort(digests[found].T[::-1])] if len(found) > PROBES else found[:0]


def centres_of(wholes: Floats, digests: Integers) -> Floats:
    """The descriptors of pictures that are centres, each in an orientation that its digest tells."""
    return oriented(wholes, digests[:, 8].astype(np.intp) % ORIENTATIONS)


def nearest(windows: Floats, centres: Floats) -> Integers:
    """The number of the centre of each window; 0 for all that show something where all shall meet."""
    found = np.argmax(windows @ centres.T, axis=1) if len(centres) else np.zeros(len(windows), int)
    return np.where(windows.any(axis=1), found, NONE).astype(np.int16)


def nearer(windows: Floats, cells: Integers, centres: Floats, new: Integers) -> Integers:
    """`nearest`, when ``cells`` was that before the centres numbered ``new`` came and others went."""
    found, lost = cells.copy(), cells == LOST
    found[lost] = nearest(windows[lost], centres)
    if len(new):
        rest = np.flatnonzero(cells >= 0)
        alike = windows[rest] @ centres[new].T
        best, own = new[alike.argmax(axis=1)], np.einsum("ij,ij->i", windows[rest], centres[cells[rest]])
        better = alike.max(axis=1)
        moved = (better > own) | ((better == own) & (best < cells[rest]))
        found[rest[moved]] = best[moved]
    return found


def probed(wholes: Floats, centres: Floats) -> Integers:
    """The centres under which pictures ask, [N, `ORIENTATIONS`, `PROBES`]: the most alike in each.

    Of equally alike ones the first. Centre 0 alone where all shall meet, and none for what shows nothing.
    """
    found = np.full((len(wholes), ORIENTATIONS, PROBES), NONE, np.int16)
    shows = np.flatnonzero(wholes.any(axis=1))
    if not len(centres):
        found[shows, :, 0] = 0
        return found
    for orientation in range(ORIENTATIONS):
        for rows in bounded(shows):
            turned = oriented(wholes[rows], np.full(len(rows), orientation))
            found[rows, orientation] = _most_alike(turned @ centres.T)
    return found


def _most_alike(alike: Floats) -> Integers:
    found = np.argpartition(alike, -PROBES, axis=1)[:, -PROBES:]
    least = np.take_along_axis(alike, found, axis=1).min(axis=1, keepdims=True)
    for row in np.flatnonzero((alike >= least).sum(axis=1) > PROBES):
        found[row] = np.argsort(-alike[row], kind="stable")[:PROBES]
    return found


def counts_under(cells: Integers, wanted: npt.NDArray[np.bool_], centres: int) -> Integers:
    """How many of ``cells`` each centre is, where ``wanted``; a part at a time, for NumPy widens them."""
    counts = np.zeros(centres, np.intp)
    for rows in bounded(np.arange(len(cells))):
        counts += np.bincount(cells[rows][wanted[rows]], minlength=centres)
    return counts


def under_any(cells: Integers, centres: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of ``cells`` are one of the centres that are marked."""
    found = np.zeros(cells.shape, bool)
    for rows in bounded(np.arange(len(cells))):
        found[rows] = centres[cells[rows]] & (cells[rows] >= 0)
    return found


def rows_under(probes: Integers, wanted: npt.NDArray[np.bool_], centres: int) -> list[Integers]:
    """For each centre who asks under it where ``wanted``: orientation × N + picture, in order.

    A counting sort, a part at a time. Both arrays are [N, `ORIENTATIONS`, `PROBES`].
    """
    counts = counts_under(probes, wanted, centres)
    ends = np.cumsum(counts)
    free = ends - counts
    listed = np.empty(ends[-1], np.int32)
    for rows, orientation in _parts(len(probes)):
        here = wanted[rows, orientation]
        under = probes[rows, orientation][here]
        order = np.argsort(under, kind="stable")
        asking = np.nonzero(here)[0][order] + rows.start + orientation * len(probes)
        under = under[order]
        number = np.bincount(under, minlength=centres)
        within = np.arange(len(under)) - (np.cumsum(number) - number)[under]
        listed[free[under] + within] = asking
        free += number
    return np.split(listed, ends[:-1])


def _parts(count: int) -> Iterator[tuple[slice, int]]:
    for orientation in range(ORIENTATIONS):
        for start in range(0, count, ROWS_AT_ONCE):
            yield slice(start, start + ROWS_AT_ONCE), orientation


def bounded(rows: Integers) -> list[Integers]:
    """``rows``, some at a time."""
    return np.array_split(rows, max(-(-len(rows) // ROWS_AT_ONCE), 1)) if len(rows) else []
