"""A ranking in plain words: which trial, by what, how sure, what is noise, and whether any LoRA helps."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_tools.wording import count_of
from wrapper.evaluation.choosing import FEW_UNITS
from wrapper.evaluation.metrics import Metric
from wrapper.evaluation.words import STAGES as TITLES
from wrapper.evaluation.words import first_words, gap_words
from wrapper.sweep.outcome.ranking import Group, Ranking
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.seeds import seed_words
from wrapper.sweep.outcome.shown import differing, setting_words, swept_names, value_words

NOTHING = "No trial has been trained and measured yet, so there is no best one."


def ranking_words(ranking: Ranking) -> list[str]:
    """The sentences in which the ranking is told, the most important first."""
    if ranking.metric is None or not ranking.groups:
        return [NOTHING]
    group, metric = ranking.groups[0], ranking.metric
    return [
        _first(ranking, group, metric),
        *_sureness(ranking, group, metric),
        *_base(group, metric),
        *seed_words(ranking, group, metric),
        *_others(ranking),
    ]


def titled(ranking: Ranking, row: Row) -> str:
    """``003 (network_dim 16)``."""
    told = setting_words(row.trial.settings, swept_names(ranking.sweep))
    return f"{row.id} ({told})" if told else row.id


def _first(ranking: Ranking, group: Group, metric: Metric) -> str:
    best = group.rows[0]
    figure = f"{metric.title} {metric.show(best.mean or 0.0)} on {_units(group, metric)}"
    who = f"{TITLES[ranking.stage]}: trial {titled(ranking, best)}"
    if len(group.rows) == 1:
        return f"{who} is the only one to be ranked: {figure}."
    return f"{who} is the best of {len(group.rows)}: {figure}."


def _units(group: Group, metric: Metric) -> str:
    return count_of(
        len(group.standing.units), "picture" if metric.name in ("identity", "prompt") else "image"
    )


def _sureness(ranking: Ranking, group: Group, metric: Metric) -> list[str]:
    best, *others = group.rows
    if not others:
        return []
    if len(group.standing.units) < 2:
        return ["One image is too few to tell trials apart."]
    alike = [row for row in others if row.behind and row.behind.is_noise]
    many = len(group.standing.units) >= FEW_UNITS
    chance = [first_words(best.best_chance or 0.0)] if many else []
    nearest = others[0]
    if not alike and nearest.behind:
        gap = gap_words(nearest.behind, metric)
        return [f"It is better than every other beyond noise; {nearest.id} comes next, by {gap}.", *chance]
    return [_not_apart(ranking, group, alike, metric), *chance]


def _not_apart(ranking: Ranking, group: Group, alike: Sequence[Row], metric: Metric) -> str:
    best, first = group.rows[0], alike[0]
    gap = gap_words(first.behind, metric) if first.behind else ""
    if len(alike) == 1:
        return f"{_pair(ranking, best, first)} cannot be told apart on {_units(group, metric)}: {gap}."
    others = len(group.rows) - 1
    every = "both others" if others == 2 else f"any of the {others} others"
    many = every if len(alike) == others else f"{len(alike)} of the {others} others"
    over = f"over {titled(ranking, first)} it is {gap}"
    return f"It cannot be told from {many} on {_units(group, metric)}; {over}."


def _pair(ranking: Ranking, one: Row, other: Row) -> str:
    """``network_dim 16 and 32`` where that is all the difference, else both trials."""
    names = swept_names(ranking.sweep)
    keys = [key for key in differing(one.trial.settings, other.trial.settings) if key in names]
    if len(keys) != 1:
        return f"{one.id} and {other.id}"
    values = [value_words(row.trial.settings.get(keys[0])) for row in (one, other)]
    return f"{names[keys[0]]} {values[0]} and {values[1]}"


def _base(group: Group, metric: Metric) -> list[str]:
    """Whether any trial is better than none at all."""
    gains = [row.gain for row in group.rows if row.gain]
    if not gains or group.base is None:
        return []
    better = [gap for gap in gains if not gap.is_noise and gap.mean > 0]
    worse = [gap for gap in gains if not gap.is_noise and gap.mean < 0]
    told = f"the untouched base ({metric.title} {metric.show(group.base)})"
    said = [f"{_of(len(better), len(gains))} shown to be better than {told}."]
    if better and better[0] is group.rows[0].gain:
        who = ", by" if len(gains) == 1 else "; the best is, by"
        said[0] = f"{said[0][:-1]}{who} {gap_words(better[0], metric)}."
    return [*said, *([f"{_of(len(worse), len(gains))} worse than it."] if worse else [])]


def _of(count: int, all_of: int) -> str:
    if all_of == 1:
        return "It is" if count else "It is not"
    every = "Both" if all_of == 2 else f"All {all_of}"
    some = every if count == all_of else f"{count or 'None'} of the {all_of}"
    return f"{some} trials {'is' if count in (0, 1) else 'are'}"


def _others(ranking: Ranking) -> list[str]:
    aside = sum(len(group.rows) for group in ranking.groups[1:])
    open_ones = [row for row in ranking.rows if row.status in ("waiting", "running", "interrupted", "died")]
    bad = [row for row in ranking.rows if row.group is None and row not in open_ones]
    said = []
    if aside:
        said.append(f"{count_of(aside, 'trial')} measured otherwise {_are(aside)} listed apart.")
    if bad:
        said.append(
            f"{count_of(len(bad), 'trial')} without a result {_are(len(bad))} listed with the reason."
        )
    if open_ones:
        said.append(f"{count_of(len(open_ones), 'trial')} {_are(len(open_ones))} still to come.")
    return said


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
