"""Subjects measured on the same units, held against each other. Pure arithmetic.

The units are the sample (held-out images, or prompts with their seeds): every subject was measured on the
same ones, so differences are paired. The best of many looks better than it is; hence intervals are
Bonferroni's over all pairs of subjects, which hold for whichever pair the data picked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from wrapper.evaluation.scores import CONFIDENCE, interval

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Gap:
    """By how much one subject is better than another (more is better), with its corrected interval.

    ``chance`` is the share of resampled sets of units (bootstrap, Efron 1979) in which it is better.
    """

    over: str
    mean: float
    low: float | None
    high: float | None
    chance: float | None

    @property
    def is_noise(self) -> bool:
        return self.low is None or self.high is None or self.low <= 0 <= self.high


@dataclass(frozen=True)
class Standing:
    """``table``: by subject, its figures on ``units``, turned so that more is better.

    ``best`` has the best mean, the earlier of equal ones; ``gaps`` are its gaps over every other, the nearest
    first. ``best_chance`` is in how many resampled sets of units each subject comes first, a tie shared.
    """

    table: dict[str, list[float]]
    units: list[str]
    best: str
    gaps: dict[str, Gap]
    best_chance: dict[str, float]

    @property
    def runner_up(self) -> str:
        """Empty for a single subject."""
        return next(iter(self.gaps), "")

    @property
    def pairs(self) -> int:
        """How many pairs there are, which intervals are corrected for."""
        return len(self.table) * (len(self.table) - 1) // 2


def compare(values: Mapping[str, Mapping[str, float]], gain: int = 1) -> Standing:
    """``values``: by subject, each unit's figure; ``gain`` −1 where less is better.

    Units that a subject lacks are left out; at least one must be left.
    """
    names = list(values)
    units = [unit for unit in values[names[0]] if all(unit in row for row in values.values())]
    table = {name: [gain * values[name][unit] for unit in units] for name in names}
    means = {name: sum(row) / len(row) for name, row in table.items()}
    best = max(names, key=lambda name: means[name])
    others = sorted((name for name in names if name != best), key=lambda name: -means[name])
    pairs = len(names) * (len(names) - 1) // 2
    gaps = {name: gap(table[best], table[name], name, pairs) for name in others}
    return Standing(table, units, best, gaps, _chances(table))


def gap(ours: Sequence[float], theirs: Sequence[float], over: str, pairs: int) -> Gap:
    """Ours over theirs, unit by unit, with Student's interval corrected for ``pairs`` comparisons."""
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    mean = sum(differences) / len(differences)
    low, high = interval(differences, 1 - (1 - CONFIDENCE) / max(pairs, 1))
    return Gap(over, round(mean, 6), low, high, _chance(differences))


def _chance(differences: Sequence[float]) -> float | None:
    """The share of resamples whose mean is over 0; ties count half."""
    import numpy as np

    if len(differences) < 2:
        return None
    means = np.asarray(differences)[_draws(len(differences))].mean(axis=1)
    return round(float((means > 0).mean() + (means == 0).mean() / 2), 4)


def _chances(table: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """One subject after the other, each over all resamples: a thousand of them need 80 MB."""
    import numpy as np

    count = len(next(iter(table.values())))
    if count < 2:
        return {}
    draws = _draws(count)
    means = np.stack([np.asarray(row)[draws].mean(axis=1) for row in table.values()])
    first = means == means.max(axis=0)
    ties = first.sum(axis=0)
    return {name: round(float((row / ties).mean()), 4) for name, row in zip(table, first, strict=True)}


@lru_cache(maxsize=4)
def _draws(count: int) -> np.ndarray:
    """The same resamples every time: places [RESAMPLES, count]."""
    import numpy as np

    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
