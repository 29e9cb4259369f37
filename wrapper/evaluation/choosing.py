"""Which of several checkpoints is the best, and how sure that is: the earliest of those that are as good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev

from wrapper.evaluation.comparing import Gap, Standing, compare, gap

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
    found = compare(values, gain)
    name, rule = _pick(found)
    last = list(found.table)[-1]
    return Chosen(
        name,
        rule,
        found.best,
        found.runner_up,
        len(found.units),
        found.gaps,
        gap(found.table[name], found.table[last], last, found.pairs) if name != last else None,
        found.best_chance,
    )


def _pick(found: Standing) -> tuple[str, str]:
    table, best, gaps = found.table, found.best, found.gaps
    names, units = list(table), len(found.units)
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


def _standard_error(table: Mapping[str, Sequence[float]], name: str, other: str) -> float:
    differences = [ours - theirs for ours, theirs in zip(table[name], table[other], strict=True)]
    return stdev(differences) / len(differences) ** 0.5
