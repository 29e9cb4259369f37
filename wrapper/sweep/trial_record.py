"""``trial.json``: how a trial goes, written at once with every change, so that a killed one has it too."""

from __future__ import annotations

from typing import Any

from dataset_tools.files import write_json
from wrapper.runs.record import now, read_object, this_process
from wrapper.sweep.trials import Trial

LONGEST_WHY = 500


class TrialRecord:
    """The record of a trial that is begun, or taken up again, by this process."""

    def __init__(self, trial: Trial, where: str) -> None:
        before = read_object(trial.record)
        attempts = before.get("attempts")
        self.path = trial.record
        self.facts: dict[str, Any] = {
            "id": trial.id,
            "settings": dict(trial.settings),
            "dataset": trial.dataset,
            "status": "running",
            "doing": "",
            "process": this_process(),
            "where": where,
            "first_started": before.get("first_started", now()),
            "started": now(),
            "attempts": (attempts if isinstance(attempts, int) else 0) + 1,
        }
        self._write()

    def doing(self, step: str) -> None:
        """What the trial is at now: a stage, or ``evaluate``."""
        self.facts["doing"] = step
        self._write()

    def end(self, status: str, why: str = "", **facts: Any) -> None:
        """``status`` is ``succeeded``, ``failed`` or ``interrupted``; ``why`` is one sentence."""
        said = {"why": " ".join(why.split())[:LONGEST_WHY]} if why else {}
        self.facts |= {"status": status, "doing": "", "ended": now(), **said, **facts}
        self._write()

    def _write(self) -> None:
        write_json(self.path, self.facts)
