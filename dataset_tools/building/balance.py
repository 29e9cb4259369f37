"""Repeats that make buckets even: searched over every whole-number answer, not rounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dataset_tools.building.repeats import Bounds, misplaced, search
from dataset_tools.errors import Problems, UserError, did_you_mean

BALANCED = 0.02
"""An imbalance up to this counts as even: a smaller epoch is then worth more than the last percent."""


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

    @property
    def misplaced(self) -> float:
        """The part of an epoch that is in the wrong bucket: half the sum of abs(share - wanted)."""
        import numpy as np

        images = np.array([self.images[bucket] for bucket in self.wanted], dtype=np.float64)
        return float(misplaced(images, np.array(list(self.wanted.values())))) if self.wanted else 0.0


def balance(
    counts: Mapping[str, int],
    shares: Mapping[str, float] | None = None,
    max_repeats: int = 20,
    epoch_images: int = 0,
    max_images: int = 0,
    even: float = BALANCED,
) -> Balance:
    """The best repeats for buckets of ``counts`` images; a bucket that ``shares`` leaves out weighs 1.

    Repeats are at most ``max_repeats`` and an epoch has at most ``max_images`` (0: any number). Among the
    answers whose imbalance is at most ``even`` the smallest epoch wins, or one near to ``epoch_images``; if
    there is none, the most even one, and of these the one that misplaces least (see `repeats`).
    ``balance({"a": 66, "b": 40})`` → 3 and 5: 198 to 200. Raises `UserError` for shares of no bucket, and
    when the images alone are more than ``max_images``.
    """
    if not counts:
        return Balance({}, {}, {}, 0.0)
    _check(counts, shares or {}, max_repeats)
    _check_room(counts, max_images)
    wanted = _normalised(counts, shares or {})
    bounds = Bounds(max_repeats, max_images, epoch_images, even)
    repeats = search([counts[b] for b in counts], [wanted[b] for b in counts], bounds)
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


def _check_room(counts: Mapping[str, int], max_images: int) -> None:
    once = sum(counts.values())
    if 0 < max_images < once:
        raise UserError(
            f"balance.max_images is {max_images}, but each of the images once is {once} already.",
            f"Set it to {once} or more, or to 0 for no bound.",
        )


def _normalised(counts: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, float]:
    weights = {bucket: float(shares.get(bucket, 1.0)) for bucket in counts}
    total = sum(weights.values())
    return {bucket: weight / total for bucket, weight in weights.items()}


def _imbalance(levels: list[float]) -> float:
    """``levels`` are images over wanted share. Worked: [198, 200] → 200/198 - 1 = 0.0101."""
    return max(levels) / min(levels) - 1.0
