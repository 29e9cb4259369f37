"""Repeats that make buckets even: searched over every whole-number answer, not rounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

BALANCED = 0.05
"""An imbalance up to this counts as even: a smaller epoch is then worth more than the last percent."""
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Balance:
    """Repeats a bucket, and what they come to.

    ``images`` is count × repeats; ``wanted`` are shares that sum to 1; ``imbalance`` is how much more the
    most favoured bucket gets than the least favoured one, each over its wanted share: 0.5 is 50 % more.
    """

    repeats: dict[str, int]
    images: dict[str, int]
    wanted: dict[str, float]
    imbalance: float

    @property
    def total(self) -> int:
        """Images an epoch."""
        return sum(self.images.values())


def balance(
    counts: Mapping[str, int],
    shares: Mapping[str, float] | None = None,
    max_repeats: int = 20,
    epoch_images: int = 0,
) -> Balance:
    """The best repeats for buckets of ``counts`` images; a bucket that ``shares`` leaves out weighs 1.

    Among the answers that are even (`BALANCED`) the smallest epoch wins, or the one nearest to
    ``epoch_images``; if none is, the most even one. ``balance({"a": 66, "b": 40})`` → 3 and 5: 198 to 200.
    """
    if not counts:
        return Balance({}, {}, {}, 0.0)
    _check(counts, shares or {}, max_repeats)
    wanted = _normalised(counts, shares or {})
    repeats = _search([counts[b] for b in counts], [wanted[b] for b in counts], max_repeats, epoch_images)
    chosen = dict(zip(counts, repeats, strict=True))
    images = {bucket: counts[bucket] * chosen[bucket] for bucket in counts}
    return Balance(chosen, images, wanted, _imbalance([images[b] / wanted[b] for b in counts]))


def _check(counts: Mapping[str, int], shares: Mapping[str, float], max_repeats: int) -> None:
    problems = Problems()
    for bucket, count in counts.items():
        if count < 1:
            problems.add(f"bucket '{bucket}'", f"it has {count} images, a bucket needs one at least.")
    for bucket, share in shares.items():
        if bucket not in counts:
            hint = did_you_mean(bucket, counts) or f"There are: {', '.join(counts)}."
            problems.add(f"balance.shares.{bucket}", "there is no such bucket.", hint)
        if not 0 < share < float("inf"):
            problems.add(f"balance.shares.{bucket}", f"{share} is not a positive share.")
    problems.raise_if_any()
    if max_repeats < 1:
        raise UserError(f"balance.max_repeats is {max_repeats}, at least 1 is needed.")


def _normalised(counts: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, float]:
    weights = {bucket: float(shares.get(bucket, 1.0)) for bucket in counts}
    total = sum(weights.values())
    return {bucket: weight / total for bucket, weight in weights.items()}


def _imbalance(levels: list[float]) -> float:
    """``levels`` are images over wanted share. Worked: [198, 200] → 200/198 - 1 = 0.0101."""
    return max(levels) / min(levels) - 1.0


def _search(counts: list[int], wanted: list[float], max_repeats: int, epoch_images: int) -> list[int]:
    """Exact: the best answer's lowest level is one bucket's own level at some repeat; given that level every
    other bucket does best with the fewest repeats that reach it. So those levels are all there is to try.
    """
    import numpy as np

    unit = np.asarray(counts, dtype=np.float64) / np.asarray(wanted, dtype=np.float64)
    lowest = np.unique(np.outer(unit, np.arange(1, max_repeats + 1)))
    best: tuple[tuple[float, ...], np.ndarray] | None = None
    for start in range(0, len(lowest), ROWS_AT_ONCE):
        found = _best_of(lowest[start : start + ROWS_AT_ONCE], unit, counts, max_repeats, epoch_images)
        best = found if best is None or found[0] < best[0] else best
    assert best is not None
    return [int(repeat) for repeat in best[1]]


def _best_of(
    lowest: np.ndarray, unit: np.ndarray, counts: list[int], max_repeats: int, epoch_images: int
) -> tuple[tuple[float, ...], np.ndarray]:
    """The best of the rows: ``lowest`` [C], ``unit`` [B] → (its cost, repeats [B])."""
    import numpy as np

    repeats = np.clip(np.ceil(lowest[:, None] / unit - 1e-9), 1, max_repeats)
    levels = repeats * unit
    imbalance = levels.max(axis=1) / levels.min(axis=1) - 1.0
    totals = repeats @ np.asarray(counts, dtype=np.float64)
    beyond = np.where(imbalance <= BALANCED, 0.0, np.round(imbalance, 9))
    distance = np.abs(totals - epoch_images)
    index = int(np.lexsort((imbalance, distance, beyond))[0])
    return (float(beyond[index]), float(distance[index]), float(imbalance[index])), repeats[index]
