"""Which trial of a sweep is the best, how sure that is, and whether it is better than no LoRA at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dataset_tools.errors import UserError, did_you_mean
from wrapper.evaluation.choice import AUTO, Values, units_of
from wrapper.evaluation.comparing import Gap, Standing, compare, gap
from wrapper.evaluation.metrics import METRICS, Metric
from wrapper.evaluation.words import STAGES as TITLES
from wrapper.project.layout import STAGES
from wrapper.sweep.outcome.conditions import Conditions, conditions, difference, fingerprint, held_out_digests
from wrapper.sweep.outcome.rows import Row, checked, in_order, read_rows, units, values
from wrapper.sweep.trials import Sweep

BASE = "base of "


@dataclass(frozen=True)
class Group:
    """Trials that were measured under the same ``conditions``; ``base`` is the untouched base's mean."""

    conditions: Conditions
    standing: Standing
    base: float | None
    rows: Sequence[Row]


@dataclass(frozen=True)
class Ranking:
    """``rows``: the best first, then those that were measured otherwise, then those without a result.

    ``groups``: the largest first, on which the ranking is told. ``metric`` is None while nothing is measured.
    """

    sweep: Sweep
    stage: str
    metric: Metric | None
    rows: Sequence[Row]
    groups: Sequence[Group]

    @property
    def best(self) -> Row | None:
        return self.rows[0] if self.groups else None


def rank(sweep: Sweep, by: str = "auto") -> Ranking:
    """Read every trial and rank those that succeeded, by the last stage that the sweep trains.

    ``by``: a metric's name, or ``auto`` for the first of `AUTO` that was measured. Raises `UserError` for a
    metric that is none, or that no trial has.
    """
    if by != "auto" and by not in METRICS:
        raise UserError(f"'{by}' is no measure.", did_you_mean(by, METRICS) or f"{', '.join(METRICS)}.")
    stage = [one for one in STAGES if one in sweep.stages][-1]
    rows = read_rows(sweep, stage)
    metric = _metric(rows, stage, by)
    if metric is None:
        return Ranking(sweep, stage, None, in_order(rows), [])
    rows = [checked(row, metric) for row in rows]
    alike = _alike([row for row in rows if row.measured], metric)
    groups = [_ranked(number, some, told, metric) for number, (told, some) in enumerate(alike)]
    groups = [group if number == 0 else _aside(group, groups[0]) for number, group in enumerate(groups)]
    placed = [row for group in groups for row in group.rows]
    rest = in_order([row for row in rows if row.measured is None])
    return Ranking(sweep, stage, metric, [*placed, *rest], groups)


def _metric(rows: Sequence[Row], stage: str, by: str) -> Metric | None:
    there = [name for name in METRICS if any(units(row, name) for row in rows)]
    wanted = AUTO[stage] if by == "auto" else (by,)
    found = next((name for name in wanted if name in there), None)
    if found is None and there:
        titles = " or ".join(METRICS[name].title for name in wanted)
        raise UserError(f"{TITLES[stage]}: {titles} was not measured.", f"Measured: {', '.join(there)}.")
    return METRICS[found] if found else None


def _alike(rows: Sequence[Row], metric: Metric) -> list[tuple[Conditions, list[Row]]]:
    """Rows by the conditions that they were measured under: most of them first, then the earliest."""
    digests = held_out_digests(row.measured for row in rows if row.measured)
    groups: dict[str, tuple[Conditions, list[Row]]] = {}
    for row in rows:
        if row.measured:
            told = conditions(row.measured, metric.name, digests)
            groups.setdefault(fingerprint(told), (told, []))[1].append(row)
    return sorted(groups.values(), key=lambda group: -len(group[1]))


def _ranked(number: int, rows: Sequence[Row], told: Conditions, metric: Metric) -> Group:
    """Place the rows, the best mean first; of equal ones the earlier."""
    ours, bases = _values(rows, metric)
    standing = compare(ours, metric.gain)
    by_id = {row.id: row for row in rows}
    placed = [
        replace(
            by_id[name],
            group=number,
            place=place,
            mean=metric.gain * _mean(standing.table[name]),
            behind=standing.gaps.get(name),
            gain=_gain(standing, name, bases, metric),
            best_chance=standing.best_chance.get(name),
        )
        for place, name in enumerate([standing.best, *standing.gaps], start=1)
    ]
    base = _mean(list(bases[standing.best].values())) if standing.best in bases else None
    return Group(told, standing, base, placed)


def _values(rows: Sequence[Row], metric: Metric) -> tuple[Values, Values]:
    """By trial, the figures of its checkpoint, and of the base: over the seeds that all of both have."""
    known = {row.id: row.measured for row in rows if row.measured}
    ours = [{"name": name, **one.rows(one.checkpoint)} for name, one in known.items()]
    theirs = [{"name": f"{BASE}{name}", **one.rows(one.base)} for name, one in known.items()]
    found = units_of([*ours, *theirs], metric.name) or values(rows, metric.name)
    bases = {name: found[f"{BASE}{name}"] for name in known if f"{BASE}{name}" in found}
    return {name: found[name] for name in known}, bases


def _gain(standing: Standing, name: str, bases: Values, metric: Metric) -> Gap | None:
    """Over the untouched base, corrected for as many comparisons as there are trials."""
    theirs: Mapping[str, float] = bases.get(name, {})
    if not all(unit in theirs for unit in standing.units):
        return None
    base = [metric.gain * theirs[unit] for unit in standing.units]
    return gap(standing.table[name], base, "base", len(standing.table))


def _aside(group: Group, main: Group) -> Group:
    """A group that is not told of, its rows saying why."""
    told = difference(group.conditions, main.conditions)
    why = f"It was measured with {told}: not to be compared with the others."
    return replace(group, rows=[replace(row, why=why) for row in group.rows])


def _mean(figures: Sequence[float]) -> float:
    return sum(figures) / len(figures)
