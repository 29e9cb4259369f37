"""How a trial's training went, from the records of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wrapper.evaluation.words import STAGES as TITLES
from wrapper.project.layout import ProjectPaths, RunPaths
from wrapper.runs.listing import duration_s
from wrapper.runs.record import read_object, read_record, status_of
from wrapper.sweep.trials import Trial
from wrapper.sweep.watching import last_step


@dataclass(frozen=True)
class Trained:
    """``loss`` is the last running mean of the last stage trained, ``steps`` those done in all stages.

    ``where`` it ran, ``why`` it failed and what it is ``doing`` are for people; all may be empty.
    """

    steps: int | None
    loss: float | None
    minutes: float | None
    where: str
    why: str
    doing: str = ""


def read_trained(trial: Trial, stages: Sequence[str]) -> Trained:
    """What is known of it, also of one that failed or was cut off."""
    paths, told = ProjectPaths(trial.folder), read_object(trial.record)
    records = [read_record(paths.run(stage).record) for stage in stages]
    records = [record for record in records if record]
    steps = [_steps(record) for record in records]
    spent = [seconds for record in records if (seconds := duration_s(record)) is not None]
    return Trained(
        steps=sum(steps) if any(steps) else None,
        loss=records[-1].get("loss") if records else None,
        minutes=round(sum(spent) / 60, 2) if spent else None,
        where=str(told.get("where") or ""),
        why=str(told.get("why") or "") or _fault(records),
        doing=_doing(str(told.get("doing") or ""), paths),
    )


def newest_run(trial: Trial, stage: str) -> RunPaths:
    return ProjectPaths(trial.folder).run(stage)


def reason(status: str, trained: Trained) -> str:
    """Why a trial that did not succeed has no result."""
    said = {
        "waiting": "It has not been started.",
        "running": trained.doing or "It runs.",
        "interrupted": "It was interrupted, and goes on when the sweep does.",
        "died": "Its process is gone; it goes on when the sweep does.",
    }
    return trained.why or said.get(status, "It failed.")


def _doing(step: str, paths: ProjectPaths) -> str:
    """``It trains Stage A: step 5 of 300.``"""
    if step not in TITLES:
        return "It is being measured." if step else ""
    found = last_step(paths.run(step).events)
    at = f"step {found.done} of {found.planned}" if found.planned else "no step yet"
    return f"It trains {TITLES[step]}: {at}."


def _steps(record: dict) -> int:
    return record.get("steps") or record.get("steps_seen") or 0


def _fault(records: Sequence[dict]) -> str:
    """The newest run's own reason, where it has one."""
    failed = [record for record in records if status_of(record) in ("failed", "died")]
    if not failed:
        return ""
    return str(failed[-1].get("why") or next(iter(failed[-1].get("faults", [])), ""))
