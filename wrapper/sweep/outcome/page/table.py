"""The trials as rows of the page's table: what is shown, and what it is sorted by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from wrapper.evaluation.comparing import Gap
from wrapper.evaluation.metrics import Metric, present
from wrapper.report.checkpoints import headed
from wrapper.sweep.outcome.ranking import Ranking
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.shown import swept_names, swept_settings, value_words

MOST_NAMED = 20
TONES = {"succeeded": "good", "failed": "bad", "died": "bad", "interrupted": "warn", "running": "warn"}


@dataclass(frozen=True)
class Head:
    """``title`` says more than ``text``, which stands over the column."""

    text: str
    title: str
    number: bool


@dataclass(frozen=True)
class Cell:
    """``key`` is what the column is sorted by: a number, or lower-case text; empty comes last."""

    text: str
    key: str
    number: bool = True
    note: str = ""


@dataclass(frozen=True)
class Line:
    id: str
    status: str
    tone: str
    place: str
    best: bool
    ranked: bool
    why: str
    log: str
    cells: list[Cell]


@dataclass(frozen=True)
class Failure:
    """Trials without a place for the same reason; ``more`` of them are not named."""

    status: str
    tone: str
    why: str
    trials: list[Line]
    more: int


def failures(lines: Sequence[Line]) -> list[Failure]:
    """The reasons, and the trials of each."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.why:
            found.setdefault((line.status, line.why), []).append(line)
    return [
        Failure(status, some[0].tone, why, some[:MOST_NAMED], max(len(some) - MOST_NAMED, 0))
        for (status, why), some in found.items()
    ]


def heads(ranking: Ranking) -> list[Head]:
    """Of the columns after the trial's place and name."""
    metric = ranking.metric
    keys = [Head(one.name, " + ".join(one.keys), number=False) for one in swept_settings(ranking.sweep)]
    if metric is None:
        return [*keys, *_ENDS]
    others = [Head(headed(one), one.title, number=True) for one in _others(ranking)]
    return [
        *keys,
        Head(headed(metric), f"{metric.title}, by which trials are ranked", number=True),
        Head("behind the best", "the corrected 95 % interval of the paired difference", number=True),
        Head("over the base", "the gain over the untouched base", number=True),
        Head("first in", "the share of resampled sets of images in which it comes first", number=True),
        *others,
        *_ENDS,
    ]


_ENDS = [
    Head("training loss ↓", "the last running mean", number=True),
    Head("steps", "of all stages", number=True),
    Head("minutes", "of training", number=True),
    Head("checkpoint", "the one that stands for the trial", number=False),
    Head("where", "it ran", number=False),
]


def lines(ranking: Ranking) -> list[Line]:
    """One for each trial, in the order of the ranking."""
    keys = list(swept_names(ranking.sweep))
    return [_line(ranking, row, keys) for row in ranking.rows]


def _line(ranking: Ranking, row: Row, keys: Sequence[str]) -> Line:
    return Line(
        id=row.id,
        status="not compared" if row.status == "succeeded" and row.group != 0 else row.status,
        tone=TONES.get(row.status, "") if row.group == 0 or row.status != "succeeded" else "warn",
        place=str(row.place) if row.group == 0 else "",
        best=row.is_best,
        ranked=row.group == 0,
        why=row.why,
        log=quote(row.log),
        cells=[*(_value(row.trial.settings.get(key)) for key in keys), *_figures(ranking, row), *_ends(row)],
    )


def _value(value: Any) -> Cell:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = value_words(value) if value is not None else ""
    return Cell(text, repr(float(value)) if number else text.lower(), number)


def _figures(ranking: Ranking, row: Row) -> list[Cell]:
    metric = ranking.metric
    if metric is None:
        return []
    chance = row.best_chance if row.group == 0 else None
    return [
        _number(row.mean, metric.digits),
        _gap(row.behind if row.group == 0 else None, metric),
        _gap(row.gain, metric, signed=True),
        Cell(f"{chance:.0%}".replace("%", " %"), repr(chance)) if chance is not None else Cell("", ""),
        *(_number(row.measures.get(one.name), one.digits) for one in _others(ranking)),
    ]


def _others(ranking: Ranking) -> list[Metric]:
    """Every measure but the one that is ranked by."""
    names = {name for row in ranking.rows for name in row.measures}
    return [one for one in present(names) if one != ranking.metric]


def _gap(gap: Gap | None, metric: Metric, *, signed: bool = False) -> Cell:
    """``2.98``, with its interval as a note; what is noise says so."""
    if gap is None:
        return Cell("", "")
    shown = f"{gap.mean:{'+' if signed else ''}.{metric.digits}f}"
    if gap.low is None or gap.high is None:
        return Cell(shown, repr(gap.mean))
    noise = "noise, " if gap.is_noise else ""
    between = f"{gap.low:+.{metric.digits}f} to {gap.high:+.{metric.digits}f}"
    return Cell(shown.replace("-", "−"), repr(gap.mean), note=f"{noise}{between}".replace("-", "−"))


def _ends(row: Row) -> list[Cell]:
    trained, title = row.trained, row.measured.checkpoint.title if row.measured else ""
    return [
        _number(trained.loss, 4),
        _number(trained.steps, 0),
        _number(trained.minutes, 1),
        Cell(title, title.lower(), number=False),
        Cell(trained.where, trained.where.lower(), number=False),
    ]


def _number(value: float | None, digits: int) -> Cell:
    if value is None or not math.isfinite(value):
        return Cell("", "")
    return Cell(f"{value:.{digits}f}".replace("-", "−"), repr(float(value)))
