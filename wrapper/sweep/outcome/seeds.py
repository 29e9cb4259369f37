"""Training seeds as an axis: what they alone change, and which setting is the best over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from dataset_tools.wording import count_of
from wrapper.evaluation.metrics import Metric
from wrapper.sweep.outcome.ranking import Group, Ranking
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.shown import setting_words, swept_names

ONE_EACH = (
    "Every setting was trained once: how much another training seed would change is not in the intervals."
)


class SeedSet(NamedTuple):
    """Trials that differ in a training seed alone, by the means of their measure."""

    settings: Mapping[str, object]
    means: list[float]

    @property
    def mean(self) -> float:
        return fmean(self.means)


def seed_sets(rows: Sequence[Row]) -> list[SeedSet]:
    """Those with several seeds."""
    sets: dict[str, SeedSet] = {}
    for row in rows:
        rest = {key: value for key, value in row.trial.settings.items() if not key.endswith(".seed")}
        if len(rest) < len(row.trial.settings) and row.mean is not None:
            sets.setdefault(repr(sorted(rest.items())), SeedSet(rest, [])).means.append(row.mean)
    return [one for one in sets.values() if len(one.means) > 1]


def seed_words(ranking: Ranking, group: Group, metric: Metric) -> list[str]:
    """What another training seed changes, where seeds were swept; else that it is not known."""
    if len(group.rows) < 2:
        return []
    sets = seed_sets(group.rows)
    if not sets:
        return [ONE_EACH]
    spread = fmean(stdev(one.means) for one in sets)
    said = (
        f"Another training seed alone changes the mean by {metric.show(spread)} "
        f"(standard deviation, over {count_of(len(sets), 'setting')})."
    )
    return [said, *_over_seeds(ranking, sets, metric, spread)]


def _over_seeds(ranking: Ranking, sets: Sequence[SeedSet], metric: Metric, spread: float) -> list[str]:
    """The best setting by its mean over seeds: the best trial may owe its place to its seed."""
    if len(sets) < 2:
        return []
    first, second, *_ = sorted(sets, key=lambda one: -metric.gain * one.mean)
    ours, theirs = (_told(ranking, one, metric) for one in (first, second))
    ahead = abs(first.mean - second.mean)
    much = "less" if ahead < spread else "more"
    return [
        f"Over all seeds {ours} is the best, before {theirs}: "
        f"{metric.show(ahead)} apart, {much} than another seed alone changes."
    ]


def _told(ranking: Ranking, one: SeedSet, metric: Metric) -> str:
    """``network_dim 8 (16.92 dB over 3 seeds)``."""
    words = setting_words(one.settings, swept_names(ranking.sweep))
    return f"{words} ({metric.show(one.mean)} over {count_of(len(one.means), 'seed')})"
