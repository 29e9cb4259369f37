"""What a check found: errors, warnings, the steps of the run, and the GPU memory that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_tools.errors import Problem, Problems, UserError
from wrapper.kohya.located import Where, unreadable, with_suffix
from wrapper.kohya.memory import Forecast
from wrapper.kohya.steps import StepCount, count_steps


class Findings:
    """Collects errors (training would fail, or ignore something) and warnings (it trains, but look)."""

    def __init__(self) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def error(self, where: object, message: str, hint: str = "") -> None:
        self.errors.append(_problem(where, message, hint))

    def warn(self, where: object, message: str, hint: str = "") -> None:
        self.warnings.append(_problem(where, message, hint))


def _problem(where: object, message: str, hint: str) -> Problem:
    return Problem(where if isinstance(where, Where) else str(where), message, hint)


@dataclass(frozen=True)
class Report:
    """``values`` are the training file's, flattened; ``memory`` is None where it cannot be foreseen."""

    errors: list[Problem]
    warnings: list[Problem]
    steps: StepCount
    values: Mapping[str, Any] = field(default_factory=dict)
    memory: Forecast | None = None

    @property
    def ok(self) -> bool:
        return not self.errors

    def raise_if_wrong(self, title: str) -> None:
        """Raise one `UserError` with every error."""
        problems = Problems()
        problems.found = self.errors
        problems.raise_if_any(title)

    def as_json(self) -> dict[str, Any]:
        """Each problem with its ``file``, ``line`` (None where it is not known) and ``section``."""
        return {
            "ok": self.ok,
            "errors": [_as_json(problem) for problem in self.errors],
            "warnings": [_as_json(problem) for problem in self.warnings],
            "steps": vars(self.steps),
            "gpu_memory_gib": None if self.memory is None else _memory(self.memory),
        }


def nothing_read(train_toml: Path, error: UserError) -> Report:
    """The report on a training file that cannot be read: the ``error`` alone."""
    findings = Findings()
    where, text = unreadable(with_suffix(train_toml), error)
    findings.error(where, text, error.hint)
    return Report(findings.errors, [], count_steps([]))


def _as_json(problem: Problem) -> dict[str, Any]:
    where = problem.where
    place = (where.file, where.line or None, where.section) if isinstance(where, Where) else (where, None, "")
    return {**vars(problem), **dict(zip(("file", "line", "section"), place, strict=True))}


def _memory(memory: Forecast) -> dict[str, float]:
    return {"total": round(memory.total, 2), **{name: round(gib, 2) for name, gib in memory.parts.items()}}
