"""The measure against two swept settings as a map, a square for each two values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from dataset_tools.wording import count_of
from wrapper.evaluation.metrics import Metric
from wrapper.sweep.outcome.page.axes import distinct
from wrapper.sweep.outcome.ranking import Group
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.shown import value_words

MOST_ON_A_SIDE = 12
MOST_MAPS = 6


@dataclass(frozen=True)
class Square:
    """``share``: from 0, the worst, to 1, the best of the map; ``text`` is empty where no trial is."""

    text: str
    share: float
    alt: str
    best: bool


@dataclass(frozen=True)
class Map:
    title: str
    down: str
    across: str
    heads: list[str]
    rows: list[tuple[str, list[Square]]]


def setting_maps(group: Group, metric: Metric, shorts: dict[str, str]) -> list[Map]:
    """One for each two settings with few enough values, the mean of all trials that have both."""
    rows = [row for row in group.rows if row.mean is not None]
    values = {key: distinct([row.trial.settings.get(key) for row in rows]) for key in shorts}
    few = [key for key in shorts if 1 < len(values[key]) <= MOST_ON_A_SIDE]
    pairs = list(combinations(few, 2))[:MOST_MAPS]
    return [
        _map((down, values[down]), (across, values[across]), rows, metric, shorts) for down, across in pairs
    ]


Side = tuple[str, list[Any]]
"""A key and its values."""


def _map(down: Side, across: Side, rows: Sequence[Row], metric: Metric, shorts: dict[str, str]) -> Map:
    means = _means(rows, down[0], across[0])
    turned = [metric.gain * fmean(some) for some in means.values()]
    low, high = min(turned), max(turned)
    return Map(
        title=f"{shorts[down[0]]} and {shorts[across[0]]}",
        down=shorts[down[0]],
        across=shorts[across[0]],
        heads=[value_words(one) for one in across[1]],
        rows=[
            (
                value_words(one),
                [_square(means.get((repr(one), repr(other)), []), metric, low, high) for other in across[1]],
            )
            for one in down[1]
        ],
    )


def _means(rows: Sequence[Row], down: str, across: str) -> dict[tuple[str, str], list[float]]:
    """By the two values, the means of all trials that have both."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        place = repr(row.trial.settings.get(down)), repr(row.trial.settings.get(across))
        found.setdefault(place, []).append(row.mean or 0.0)
    return found


def _square(means: Sequence[float], metric: Metric, low: float, high: float) -> Square:
    if not means:
        return Square("", 0.0, "no trial", best=False)
    mean = fmean(means)
    share = (metric.gain * mean - low) / (high - low) if high > low else 1.0
    alt = count_of(len(means), "trial")
    return Square(f"{mean:.{metric.digits}f}", round(share, 3), alt, best=metric.gain * mean == high)
