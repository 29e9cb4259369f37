"""Steps that come back at equal distances: the edges of JPEG blocks, also after a crop or a resize."""

from __future__ import annotations

from itertools import product
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataset_tools.quality.measures.profiles import BINS, Profile, Spectra
from dataset_tools.quality.measures.tiles import row_sums

Floats = npt.NDArray[np.floating]
BLOCK_PX = 8
SHORTEST_PX, LONGEST_PX = 4.2, 15.5
"""Periods that are tried: blocks that were resized to half and to nearly twice their size."""
ON_GRID_PX = 0.15
"""So near to 8 px, the blocks are those of a picture that was not resized."""
OVERTONES = 7
LIKELY = 2
"""Phases of each axis that are worth a trial."""
FIRST_STEP = 2
"""The pixel behind the first step of a profile's edges."""


class Grid(NamedTuple):
    """``phases``: (row, column) 0 to 7 where blocks of 8 px may start, the most likely first."""

    phases: tuple[tuple[int, int], ...]
    strength: float
    """Grey levels by which steps at blocks of 8 px are steeper than the others; 0.02 is no grid."""
    resized: float
    """Amplitude of the steps at blocks of another size, times how far their frequencies stand out."""


NO_GRID = Grid(((0, 0),), 0.0, 0.0)


def block_grid(across: Profile, down: Profile, found: Spectra, of_colour: Spectra) -> Grid:
    """The grid of blocks; ``found`` are the spectra of both, ``of_colour`` that of the colour's profile.

    Clipped differences, averaged along every column and row (after Fan & de Queiroz, IEEE Trans. Image
    Processing 12 (2003)), then a comb of frequencies, k / period, in both directions at once.
    """
    (columns, wide), (rows, high) = _eight(across), _eight(down)
    resized = max(_comb(found), _comb(of_colour))
    return Grid(tuple(product(rows, columns)), (wide + high) / 2, resized)


def _eight(profile: Profile) -> tuple[tuple[int, ...], float]:
    """(the likeliest first columns of a block, how much steeper the steps at the edge of the first are)."""
    edges, _, steps = profile.means
    count = len(edges) // BLOCK_PX * BLOCK_PX
    blocks = count // BLOCK_PX
    by_edge, by_step = (
        (np.add.reduce(one[:count].reshape(blocks, BLOCK_PX)) / blocks).tolist() for one in (edges, steps)
    )
    likeliest = sorted(range(BLOCK_PX), key=lambda place: -(by_edge[place] + by_step[place]))[:LIKELY]
    inside = [one for place, one in enumerate(by_edge) if place != likeliest[0]]
    mean = sum(inside) / len(inside)
    spread = sqrt(sum((one - mean) ** 2 for one in inside) / len(inside))
    steeper = by_edge[likeliest[0]] - mean - 2 * spread
    return tuple((place + FIRST_STEP) % BLOCK_PX for place in likeliest), max(steeper, 0.0)


def _comb(found: Spectra) -> float:
    """Mean log power of the best comb, weighted by its length, times its amplitude."""
    logs = np.append(found.logs.mean(axis=0), np.float32(0))
    strength = row_sums(logs[_PLACES]) / _ROOTS
    places = _PLACES[int(strength.argmax())]
    used = places[places < len(logs) - 1]
    return float(strength.max() * found.amplitudes[:, used].sum() / len(found.amplitudes))


def _combs() -> tuple[npt.NDArray[np.intp], Floats]:
    """(bins of each period's overtones, one past the last for those over half a cycle a pixel; roots of how
    many there are).
    """
    periods = np.exp(np.arange(np.log(SHORTEST_PX), np.log(LONGEST_PX), 0.002))
    periods = periods[np.abs(periods - BLOCK_PX) > ON_GRID_PX]
    overtone = np.arange(1, OVERTONES + 1)
    used = overtone <= periods[:, None] * 0.49
    places = np.where(used, np.round(overtone / periods[:, None] * BINS), BINS // 2 + 1).astype(np.intp)
    return places, np.sqrt(used.sum(axis=1)).astype(np.float32)


_PLACES, _ROOTS = _combs()
