"""What a check found: errors, warnings, and the steps of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dataset_tools.errors import Problem, Problems
from wrapper.kohya.steps import StepCount


class Findings:
    """Collects errors (training would fail, or ignore something) and warnings (it trains, but look)."""

    def __init__(self) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def error(self, where: object, message: str, hint: str = "") -> None:
        self.errors.append(Problem(str(where), message, hint))

    def warn(self, where: object, message: str, hint: str = "") -> None:
        self.warnings.append(Problem(str(where), message, hint))


@dataclass(frozen=True)
class Report:
    """``values`` are the training file's, flattened."""

    errors: list[Problem]
    warnings: list[Problem]
    steps: StepCount
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.errors

    def raise_if_wrong(self, title: str) -> None:
        """Raise one `UserError` with every error."""
        problems = Problems()
        problems.found = self.errors
        problems.raise_if_any(title)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "errors": [vars(problem) for problem in self.errors],
            "warnings": [vars(problem) for problem in self.warnings],
            "steps": vars(self.steps),
        }
