"""Steps that come back at equal distances: the edges of JPEG blocks, also after a crop or a resize."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dataset_tools.quality.measures.profiles import BINS, profiles, spectrum

Floats = npt.NDArray[np.floating]
BLOCK_PX = 8
AROUND_PX = 9
"""A step is held against the mean step of so many neighbours: contrast and texture cancel."""
STEEPEST = 3.0
SHORTEST_PX, LONGEST_PX = 4.2, 15.5
"""Periods that are tried: blocks that were resized to half and to nearly twice their size."""
ON_GRID_PX = 0.15
"""So near to 8 px, the blocks are those of a picture that was not resized."""
OVERTONES = 7
LEAST_SIDE_PX = 64


class Grid(NamedTuple):
    """``phase``: (rows, columns) 0 to 7 where blocks of 8 px most likely start."""

    phase: tuple[int, int]
    strength: float
    """How much steeper the steps at blocks of 8 px are than the others; 0.02 is no grid."""
    resized: float
    """Amplitude of the steps at blocks of another size, times how far their frequencies stand out."""


def block_grid(luma: npt.NDArray[np.uint8]) -> Grid:
    """The grid of blocks in uint8 [H, W].

    Clipped differences across every column and row, averaged along it (after Fan & de Queiroz, IEEE Trans.
    Image Processing 12 (2003)), then a comb of frequencies, k / period, in both directions at once.
    """
    if min(luma.shape) < LEAST_SIDE_PX:
        return Grid((0, 0), 0.0, 0.0)
    across, down = profiles(luma, _relative_steps)
    (column, wide), (row, high) = (_eight(steps) for steps in (across, down))
    return Grid((row, column), (wide + high) / 2, _comb([spectrum(steps) for steps in (across, down)]))


def _relative_steps(band: npt.NDArray[np.uint8]) -> Floats:
    """Mean step to the next column, each over the mean step around it."""
    steps = cv2.absdiff(band[:, 1:], band[:, :-1]).astype(np.float32)
    ratio = cv2.min(cv2.divide(steps, cv2.blur(steps, (AROUND_PX, 1)) + 1), STEEPEST)
    return cv2.reduce(ratio, 0, cv2.REDUCE_AVG).ravel()


def _eight(steps: Floats) -> tuple[int, float]:
    """(first column of a block, how much steeper the steps at its edge are)."""
    count = len(steps) // BLOCK_PX * BLOCK_PX
    phases = steps[:count].reshape(-1, BLOCK_PX).mean(axis=0)
    top = int(phases.argmax())
    inside = np.delete(phases, top)
    return (top + 1) % BLOCK_PX, float(max(phases[top] - inside.mean() - 2 * inside.std(), 0.0))


def _comb(spectra: list[tuple[Floats, Floats]]) -> float:
    """Mean log power of the best comb, weighted by its length, times its amplitude."""
    logs = sum(np.log1p(power) for power, _ in spectra) / 2
    found = np.where(_USED, logs[_PLACES], 0).sum(axis=1) / np.sqrt(_USED.sum(axis=1))
    best = int(found.argmax())
    places = _PLACES[best][_USED[best]]
    return float(found[best] * sum(amplitude[places].sum() for _, amplitude in spectra) / 2)


def _combs() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Bins of each period's overtones, and which of them lie below half a cycle a pixel."""
    periods = np.exp(np.arange(np.log(SHORTEST_PX), np.log(LONGEST_PX), 0.002))
    periods = periods[np.abs(periods - BLOCK_PX) > ON_GRID_PX]
    overtone = np.arange(1, OVERTONES + 1)
    used = overtone <= periods[:, None] * 0.49
    return np.where(used, np.round(overtone / periods[:, None] * BINS), 0).astype(np.intp), used


_PLACES, _USED = _combs()
