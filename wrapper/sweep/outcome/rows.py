"""The trials of a sweep as they lie there: what each has to show, or why it has nothing."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.known_contents import known_contents
from wrapper.evaluation.choice import Values, units_of
from wrapper.evaluation.comparing import Gap
from wrapper.evaluation.metrics import Metric
from wrapper.sweep.outcome.measured import Measured, read_measured
from wrapper.sweep.outcome.trained import Trained, read_trained, reason
from wrapper.sweep.trials import LOG_FILE, TRIALS, Status, Sweep, Trial

MEMORY = ".lorawrap/contents.db"
"""Below the sweep's folder: hashes of LoRA files, so that none is read twice."""
_ORDER = ("succeeded", "running", "interrupted", "died", "failed", "waiting")


@dataclass(frozen=True)
class Row:
    """A trial in the ranking. ``why`` says why it has no ``place``, or none among the ``group`` 0.

    ``mean`` is of the ranking's metric over the images and seeds that all of its group have, ``measures`` all
    means of the trial itself. ``behind`` is what the best of its group is better by, ``gain`` what the trial
    is better by than the untouched base.
    """

    trial: Trial
    status: Status
    trained: Trained
    why: str = ""
    measured: Measured | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    group: int | None = None
    place: int | None = None
    mean: float | None = None
    behind: Gap | None = None
    gain: Gap | None = None
    best_chance: float | None = None

    @property
    def id(self) -> str:
        return self.trial.id

    @property
    def log(self) -> str:
        """Where to read on, from the sweep's folder; empty for a trial without a log."""
        return f"{TRIALS}/{self.id}/{LOG_FILE}" if self.trial.log.is_file() else ""

    @property
    def is_best(self) -> bool:
        return (self.group, self.place) == (0, 1)


def read_rows(sweep: Sweep, stage: str) -> list[Row]:
    """What each trial has to show, none placed yet."""
    keep = os.access(sweep.folder, os.W_OK)
    with known_contents(sweep.folder / MEMORY, keep=keep) as known:
        return [_row(trial, sweep.stages, stage, known.of) for trial in sweep.trials]


def _row(trial: Trial, stages: Sequence[str], stage: str, digest: Callable[[Path], str]) -> Row:
    status, trained = trial.status(), read_trained(trial, stages)
    if status != "succeeded":
        return Row(trial, status, trained, reason(status, trained))
    try:
        measured = read_measured(trial, stage, digest)
    except UserError as error:
        return Row(trial, status, trained, f"{error.message} {error.hint}".strip())
    return Row(trial, status, trained, "", measured, measured.means())


def units(row: Row, metric: str) -> dict[str, float]:
    """The figures of the row's checkpoint by unit (image, or prompt and seed); empty without them."""
    return values([row], metric).get(row.id, {})


def values(rows: Sequence[Row], metric: str) -> Values:
    """By trial, the figures of its checkpoint by unit, averaged over the seeds that all have."""
    known = {row.id: row.measured for row in rows if row.measured}
    told = [{"name": name, **one.rows(one.checkpoint)} for name, one in known.items()]
    return units_of(told, metric) if told else {}


def checked(row: Row, metric: Metric) -> Row:
    """The row, without what it measured where that cannot be ranked, and why not."""
    if row.measured is None:
        return row
    found = units(row, metric.name)
    odd = [unit for unit, value in found.items() if not math.isfinite(value)]
    if not found:
        return replace(row, measured=None, why=f"Its {metric.title} was not measured.")
    if odd:
        said = f"Its {metric.title} is no number on {len(odd)} of {len(found)} images."
        return replace(row, measured=None, why=said)
    return row


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Rows without a place: what may still get one first."""
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[int, str]:
    return (_ORDER.index(row.status) if row.status in _ORDER else len(_ORDER)), row.id
