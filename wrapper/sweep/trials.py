"""A sweep as it lies on the disk: ``sweeps/<name>/sweep.json``, and a project of its own for each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wrapper.runs.record import read_object, status_of

SWEEP_FILE, TRIAL_FILE, LOG_FILE = "sweep.json", "trial.json", "log.txt"
TRIALS = "trials"
Status = Literal["waiting", "running", "succeeded", "failed", "interrupted", "died"]


@dataclass(frozen=True)
class Trial:
    """One trial. ``settings`` are the swept ones alone (``stage_a.kohya.network_dim`` → 16).

    ``dataset`` is the name of one of the sweep's datasets, empty where it uses the project's own.
    """

    id: str
    folder: Path
    settings: Mapping[str, Any]
    dataset: str = ""

    @property
    def record(self) -> Path:
        """``trial.json``, written by the process that runs the trial: status, times, where, why it failed."""
        return self.folder / TRIAL_FILE

    @property
    def log(self) -> Path:
        return self.folder / LOG_FILE

    def status(self) -> Status:
        """``waiting`` while nothing has been started; ``died`` where its process is gone."""
        return status_of({"status": "waiting", **read_object(self.record)})  # type: ignore[return-value]


@dataclass(frozen=True)
class Sweep:
    """A sweep of ``project`` (its folder); ``keys`` are what the trials differ in, in the order given.

    ``shared`` are the settings that ``--set`` gave all of them.
    """

    name: str
    folder: Path
    project: Path
    stages: Sequence[str]
    keys: Sequence[str]
    trials: Sequence[Trial]
    shared: Mapping[str, Any] = field(default_factory=dict)

    def settings_of(self, trial: Trial) -> dict[str, Any]:
        """What ``trial`` has and the project's file had not, by the whole names."""
        return {**self.shared, **trial.settings}
