"""The measure against each swept setting as points, and against two of them as a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from wrapper.curves import Tick, axis
from wrapper.evaluation.metrics import Metric
from wrapper.sweep.page.axes import distinct, value_axis
from wrapper.sweep.ranking import Group
from wrapper.sweep.rows import Row
from wrapper.sweep.shown import value_words

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 14, 34
MOST_ON_A_SIDE = 12
MOST_MAPS = 6
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
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


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
    means = [row.mean or 0.0 for row in rows]
    within = base is not None and _is_near(base, means)
    up = axis(*_ends([*means, base] if within and base is not None else means))
    dots = [
        Dot(row.id, _x(across.at(value)), _y(mean, up), f"{row.id}: {value_words(value)}", row.is_best)
        for row, value, mean in zip(rows, values, means, strict=True)
    ]
    points = [(across.at(value), fmean(some)) for value, some in _by_value(values, means)]
    far = "" if within or base is None else f"The untouched base lies outside, at {metric.show(base)}."
    return Dots(
        title=short,
        dots=sorted(dots, key=lambda dot: dot.best),
        line="" if across.names else " ".join(f"{_x(at)},{_y(mean, up)}" for at, mean in points),
        x_ticks=[Tick(_x(tick.at), _cut(tick.label, len(across.ticks))) for tick in across.ticks],
        y_ticks=[Tick(_y(value, up), f"{value:g}") for value in up],
        base=_y(base, up) if within and base is not None else None,
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


def _by_value(values: Sequence[Any], means: Sequence[float]) -> list[tuple[Any, list[float]]]:
    """The means of each value, numbers by size."""
    found: dict[str, list[float]] = {}
    for value, mean in zip(values, means, strict=True):
        found.setdefault(repr(value), []).append(mean)
    return [(value, found[repr(value)]) for value in distinct(values)]


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(value: float, ticks: Sequence[float]) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _cut(label: str, count: int) -> str:
    """As much of a label as there is room for."""
    room = max(int((WIDTH - LEFT - RIGHT) / count / LABEL_PX), 3)
    return label if len(label) <= room else f"{label[: room - 1]}…"


def setting_maps(group: Group, metric: Metric, shorts: dict[str, str]) -> list[Map]:
    """One for each two settings with few enough values, the mean of all trials that have both."""
    rows = [row for row in group.rows if row.mean is not None]
    values = {key: distinct([row.trial.settings.get(key) for row in rows]) for key in shorts}
    few = [key for key in shorts if 1 < len(values[key]) <= MOST_ON_A_SIDE]
    pairs = list(combinations(few, 2))[:MOST_MAPS]
    return [_map(down, across, values, rows, metric, shorts) for down, across in pairs]


def _map(
    down: str,
    across: str,
    values: dict[str, list[Any]],
    rows: Sequence[Row],
    metric: Metric,
    shorts: dict[str, str],
) -> Map:
    if len(values[across]) < len(values[down]) and len(values[down]) > MOST_ON_A_SIDE // 2:
        down, across = across, down
    cells: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        place = repr(row.trial.settings.get(down)), repr(row.trial.settings.get(across))
        cells.setdefault(place, []).append(row.mean or 0.0)
    means = {place: fmean(found) for place, found in cells.items()}
    low, high = _ends([metric.gain * mean for mean in means.values()])

    def square(place: tuple[str, str]) -> Square:
        if place not in means:
            return Square("", 0.0, "no trial", best=False)
        turned = metric.gain * means[place]
        share = round((turned - low) / (high - low), 3) if high > low else 1.0
        count = len(cells[place])
        alt = f"{count} trial{'s' * (count > 1)}"
        return Square(f"{means[place]:.{metric.digits}f}", share, alt, best=turned == high)

    return Map(
        title=f"{shorts[down]} and {shorts[across]}",
        down=shorts[down],
        across=shorts[across],
        heads=[value_words(one) for one in values[across]],
        rows=[
            (value_words(one), [square((repr(one), repr(other))) for other in values[across]])
            for one in values[down]
        ],
    )
