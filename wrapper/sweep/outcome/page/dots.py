"""The measure against each swept setting: a point a trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from wrapper.curves import Frame, Tick, axis
from wrapper.evaluation.metrics import Metric
from wrapper.sweep.outcome.page.axes import distinct, value_axis
from wrapper.sweep.outcome.ranking import Group
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.shown import value_words

FRAME = Frame(width=480, height=250, left=56, right=466, top=14, bottom=216)
MOST_MEANS = 12
"""So many means are joined, each of trials with the same value or with neighbouring ones."""
LABEL_PX = 7


@dataclass(frozen=True)
class Dot:
    """A trial, in the picture's coordinates."""

    id: str
    x: float
    y: float
    alt: str
    best: bool


@dataclass(frozen=True)
class Dots:
    """``line`` joins the means of each value; ``base`` is the untouched base's, ``beyond`` words for it."""

    title: str
    dots: list[Dot]
    line: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    base: float | None
    beyond: str
    log: bool
    alt: str
    frame: Frame = FRAME


def setting_pictures(group: Group, metric: Metric, shorts: dict[str, str]) -> list[Dots]:
    """One for each setting that has several values among the trials that are ranked."""
    rows = [row for row in group.rows if row.mean is not None]
    found = (_dots(key, short, rows, group.base, metric) for key, short in shorts.items())
    return [one for one in found if one]


def _dots(key: str, short: str, rows: Sequence[Row], base: float | None, metric: Metric) -> Dots | None:
    values = [row.trial.settings.get(key) for row in rows]
    across = value_axis(key, values) if len(distinct(values)) > 1 else None
    if across is None:
        return None
    places, means = [across.at(value) for value in values], [row.mean or 0.0 for row in rows]
    within = base is not None and _is_near(base, means)
    up = axis(*_ends([*means, base] if within and base is not None else means))
    dots = [
        Dot(row.id, FRAME.x(place), FRAME.y(mean, up), f"{row.id}: {value_words(value)}", row.is_best)
        for row, value, place, mean in zip(rows, values, places, means, strict=True)
    ]
    far = "" if within or base is None else f"The untouched base lies outside, at {metric.show(base)}."
    return Dots(
        title=short,
        dots=sorted(dots, key=lambda dot: dot.best),
        line=""
        if across.names
        else " ".join(f"{FRAME.x(at)},{FRAME.y(mean, up)}" for at, mean in joined(places, means)),
        x_ticks=[Tick(FRAME.x(tick.at), _cut(tick.label, len(across.ticks))) for tick in across.ticks],
        y_ticks=[Tick(FRAME.y(value, up), f"{value:g}") for value in up],
        base=FRAME.y(base, up) if within and base is not None else None,
        beyond=far,
        log=across.log,
        alt=f"{metric.title} of every trial by {short}",
    )


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _is_near(base: float, means: Sequence[float]) -> bool:
    """Whether the base may be drawn without squeezing the trials to less than half of the height."""
    low, high = _ends(means)
    span = high - low
    return low - span <= base <= high + span


def joined(
    places: Sequence[float], means: Sequence[float], most: int = MOST_MEANS
) -> list[tuple[float, float]]:
    """The mean at each place from left to right; of neighbouring places where there are more than ``most``.

    >>> joined([0.5, 0.1, 0.5], [1.0, 4.0, 3.0])
    [(0.1, 4.0), (0.5, 2.0)]
    """
    points = sorted(zip(places, means, strict=True))
    each = 1 if len(set(places)) <= most else math.ceil(len(points) / most)
    groups: dict[float, list[tuple[float, float]]] = {}
    for number, point in enumerate(points):
        groups.setdefault(point[0] if each == 1 else number // each, []).append(point)
    return [(fmean(x for x, _ in some), fmean(y for _, y in some)) for some in groups.values()]


def _cut(label: str, count: int) -> str:
    """As much of a label as there is room for."""
    room = max(int((FRAME.right - FRAME.left) / count / LABEL_PX), 3)
    return label if len(label) <= room else f"{label[: room - 1]}…"
