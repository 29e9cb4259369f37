"""Which of several checkpoints is the best, and how sure that is. Pure arithmetic.

The sample are the units (held-out images, or prompts with their seeds): every checkpoint was measured on the
same ones, so differences are paired. The best of many looks better than it is; hence intervals are
Bonferroni's over all pairs of checkpoints, which hold for whichever pair the data picked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import TYPE_CHECKING

from wrapper.evaluation.scores import CONFIDENCE, interval

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000
FEW_UNITS = 5
"""Under so many a standard error is itself too uncertain to pass over the best for an earlier one."""
RULES = {
    "only": "it is the only one",
    "best": "it is better than every other, also after Bonferroni's correction",
    "few": "the best, on so few units that an earlier one cannot be preferred to it",
    "one standard error": "the earliest within one standard error of the best",
    "last": "one unit is too few to choose by, so the last is taken",
}


@dataclass(frozen=True)
class Gap:
    """By how much one checkpoint is better than another (more is better), with its corrected interval.

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
class Chosen:
    """``name`` is the one to take, by ``rule`` (a key of `RULES`); ``best`` has the best mean.

    ``gaps`` are the best's over every other; ``over_last`` is the chosen one's, None where it is the last.
    ``best_chance`` is in how many resampled sets of units each checkpoint comes first.
    """

    name: str
    rule: str
    best: str
    runner_up: str
    units: int
    gaps: dict[str, Gap]
    over_last: Gap | None
    best_chance: dict[str, float]


def choose(values: Mapping[str, Mapping[str, float]], gain: int = 1) -> Chosen:
    """``values``: by checkpoint, oldest first, each unit's figure; ``gain`` −1 where less is better.

    When the best is not better than all others beyond noise, and there are `FEW_UNITS` units, the earliest
    within one standard error of it is taken (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3), the
    error being the paired difference's.
    """
    names = list(values)
    units = [unit for unit in values[names[0]] if all(unit in values[name] for name in names)]
    table = {name: [gain * values[name][unit] for unit in units] for name in names}
    means = {name: sum(row) / len(row) for name, row in table.items()}
    best = max(names, key=lambda name: means[name])
    others = sorted((name for name in names if name != best), key=lambda name: -means[name])
    pairs = len(names) * (len(names) - 1) // 2
    gaps = {name: _gap(table, best, name, pairs) for name in others}
    name, rule = _pick(table, best, gaps)
    last = names[-1]
    return Chosen(
        name,
        rule,
        best,
        others[0] if others else "",
        len(units),
        gaps,
        _gap(table, name, last, pairs) if name != last else None,
        _chances(table),
    )


def _pick(table: Mapping[str, Sequence[float]], best: str, gaps: Mapping[str, Gap]) -> tuple[str, str]:
    names, units = list(table), len(table[best])
    if len(names) == 1:
        return best, "only"
    if units < 2:
        return names[-1], "last"
    if all(not gap.is_noise for gap in gaps.values()):
        return best, "best"
    if units < FEW_UNITS:
        return best, "few"
    near = (name for name in names if name == best or gaps[name].mean <= _standard_error(table, best, name))
    return next(near), "one standard error"


def _gap(table: Mapping[str, Sequence[float]], name: str, other: str, pairs: int) -> Gap:
    differences = [ours - theirs for ours, theirs in zip(table[name], table[other], strict=True)]
    mean = sum(differences) / len(differences)
    low, high = interval(differences, 1 - (1 - CONFIDENCE) / max(pairs, 1))
    return Gap(other, round(mean, 6), low, high, _chance(differences))


def _standard_error(table: Mapping[str, Sequence[float]], name: str, other: str) -> float:
    differences = [ours - theirs for ours, theirs in zip(table[name], table[other], strict=True)]
    return stdev(differences) / len(differences) ** 0.5


def _chance(differences: Sequence[float]) -> float | None:
    """The share of resamples whose mean is over 0; ties count half."""
    import numpy as np

    if len(differences) < 2:
        return None
    means = np.asarray(differences)[_draws(len(differences))].mean(axis=1)
    return round(float((means > 0).mean() + (means == 0).mean() / 2), 4)


def _chances(table: Mapping[str, Sequence[float]]) -> dict[str, float]:
    import numpy as np

    values = np.asarray(list(table.values()))
    if values.shape[1] < 2:
        return {}
    means = values[:, _draws(values.shape[1])].mean(axis=2)
    first = np.bincount(means.argmax(axis=0), minlength=len(table)) / RESAMPLES
    return {name: round(float(share), 4) for name, share in zip(table, first, strict=True)}


def _draws(count: int) -> np.ndarray:
    """The same resamples every time: places [RESAMPLES, count]."""
    import numpy as np

    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
