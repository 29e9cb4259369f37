"""How long a sweep would take, by the pace of what was trained before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wrapper.project.layout import ProjectPaths
from wrapper.runs.listing import duration_s
from wrapper.runs.record import read_record
from wrapper.sweep.planning.checking import Steps
from wrapper.sweep.trials import Sweep, Trial


def seconds_left(sweep: Sweep, trials: Sequence[Trial], steps: Steps, at_once: int) -> float | None:
    """Training alone, evaluation left out; None where no finished run tells the pace of a stage."""
    paces = {stage: _pace_s(sweep, stage) for stage in sweep.stages}
    total = 0.0
    for trial in trials:
        for stage, count in steps.get(trial.id, {}).items():
            pace = paces[stage]
            if pace is None:
                return None
            total += pace * count
    return total / at_once if total else None


def _pace_s(sweep: Sweep, stage: str) -> float | None:
    """Seconds a step: of the sweep's own runs, else of the project's; the newest of them."""
    return next(_paces(sweep, stage), None)


def _paces(sweep: Sweep, stage: str) -> Iterator[float]:
    folders = [*(trial.folder for trial in reversed(sweep.trials)), sweep.project]
    for folder in folders:
        record = read_record(ProjectPaths(folder).run(stage).record)
        spent, steps = duration_s(record), record.get("steps")
        if record.get("status") == "succeeded" and spent and steps:
            yield spent / steps
