"""The search for repeats: whole numbers, bounded, as near to the wanted shares as such numbers come.

Two figures say how near an answer is. Its *imbalance* is what the most favoured bucket gets over the least
favoured one, each over its wanted share, less 1; this one is made as small as it can be, exactly. Its
*misplaced* share is half the sum of abs(share - wanted), the part of an epoch that is in the wrong bucket; it
decides where the bounds leave some bucket so far off that the imbalance says nothing of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Bounds:
    """What an answer has to keep: repeats from 1 to ``max_repeats``, at most ``max_images`` (0: any) in all.

    Among the answers whose imbalance is at most ``even`` the smallest epoch wins, or the one nearest to
    ``epoch_images``.
    """

    max_repeats: int
    max_images: int = 0
    epoch_images: int = 0
    even: float = 0.0


def search(counts: list[int], wanted: list[float], bounds: Bounds) -> list[int]:
    """Repeats for buckets of ``counts`` images and ``wanted`` shares; every repeat 1 must keep the bounds."""
    import numpy as np

    images, shares = np.asarray(counts, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    best, cost = _most_even(images, shares, bounds)
    if cost[0] > 0:
        best = _least_misplaced(best, images, shares, bounds)
    return [int(repeat) for repeat in best]


def misplaced(images: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Part of an epoch in the wrong bucket: ``images`` [..., B], ``wanted`` [B] → [...].

    Worked: [30, 70] for [0.5, 0.5] → 0.2.
    """
    import numpy as np

    shares = images / images.sum(axis=-1, keepdims=True)
    return np.abs(shares - wanted).sum(axis=-1) / 2


def _most_even(
    counts: np.ndarray, wanted: np.ndarray, bounds: Bounds
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Exact: the best answer's lowest level is one bucket's own level at some repeat, and given that level
    no answer has a lower highest level, or fewer images, than the one with the fewest repeats that reach it.
    """
    import numpy as np

    unit = counts / wanted
    found: list[tuple[tuple[float, ...], np.ndarray]] = []
    for lowest in _levels(unit, np.arange(1, bounds.max_repeats + 1)):
        repeats = np.clip(np.ceil(lowest[:, None] / unit - 1e-9), 1, bounds.max_repeats)
        found.append(_best_row(repeats[_fits(repeats @ counts, bounds)], counts, unit, bounds))
    cost, best = min(found, key=lambda one: one[0])
    return best, cost


def _best_row(
    repeats: np.ndarray, counts: np.ndarray, unit: np.ndarray, bounds: Bounds
) -> tuple[tuple[float, ...], np.ndarray]:
    """The best of ``repeats`` [C, B] and its cost; endless where there is no row."""
    import numpy as np

    if not len(repeats):
        return (np.inf,), repeats
    levels = repeats * unit
    imbalance = levels.max(axis=1) / levels.min(axis=1) - 1.0
    beyond = np.where(imbalance <= bounds.even + 1e-9, 0.0, np.round(imbalance, 9))
    distance = np.abs(repeats @ counts - bounds.epoch_images)
    index = int(np.lexsort((imbalance, distance, beyond))[0])
    return (float(beyond[index]), float(distance[index]), float(imbalance[index])), repeats[index]


def _least_misplaced(best: np.ndarray, counts: np.ndarray, wanted: np.ndarray, bounds: Bounds) -> np.ndarray:
    """The answer about as even as ``best`` [B], within ``even``, that misplaces the least: every bucket as
    near as it can to one common level, tried from the lowest level of ``best`` to its highest.
    """
    import numpy as np

    unit = counts / wanted
    low, high = (best * unit).min(), (best * unit).max() * (1 + bounds.even)
    fewest = np.maximum(np.ceil(low / unit - 1e-9), 1)
    most = np.minimum(np.floor(high / unit + 1e-9), bounds.max_repeats)
    chosen, least = best, float(misplaced(best * counts, wanted))
    for level in _levels(unit, np.arange(1, 2 * bounds.max_repeats + 1) / 2):
        within = level[(level >= low) & (level <= high)]
        repeats = np.clip(np.round(within[:, None] / unit), fewest, most)
        repeats = repeats[_fits(repeats @ counts, bounds)]
        if len(repeats):
            wrong = misplaced(repeats * counts, wanted)
            index = int(np.lexsort((repeats @ counts, np.round(wrong, 9)))[0])
            if wrong[index] < least - 1e-9:
                chosen, least = repeats[index], float(wrong[index])
    return chosen


def _levels(unit: np.ndarray, repeats: np.ndarray) -> Iterator[np.ndarray]:
    """Every bucket's level at each of ``repeats``, in order, some at a time."""
    import numpy as np

    levels = np.unique(np.outer(unit, repeats))
    for start in range(0, len(levels), ROWS_AT_ONCE):
        yield levels[start : start + ROWS_AT_ONCE]


def _fits(totals: np.ndarray, bounds: Bounds) -> np.ndarray:
    return totals <= (bounds.max_images or float("inf"))
