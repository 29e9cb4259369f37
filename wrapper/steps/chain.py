"""A chain of steps, each skipped while its inputs are what they were and its outputs are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.files import data_hash, write_json


@dataclass(frozen=True)
class Step:
    """One step: ``inputs`` is called when its turn comes and gives what its result depends on."""

    name: str
    title: str
    inputs: Callable[[], object]
    outputs: Callable[[], Sequence[Path]]
    act: Callable[[], None]


@dataclass(frozen=True)
class Planned:
    """What would happen to a step now, and why."""

    step: Step
    up_to_date: bool
    reason: str


class Chain:
    """Runs steps in order and remembers, in ``record``, the key of what each was made from.

    A step names all of its inputs, results of earlier steps among them, by contents: what comes out of an
    earlier step as it was before makes nothing stale.
    """

    def __init__(self, steps: Sequence[Step], record: Path) -> None:
        self.steps = steps
        self.record = record

    def run(self, announce: Callable[[Planned], None]) -> None:
        """Do each step that is not up to date; the record is written after each, so a stop loses nothing."""
        known = self._read()
        for step in self.steps:
            planned = self.plan(step, known)
            announce(planned)
            if not planned.up_to_date:
                known.pop(step.name, None)
                self._write(known)
                step.act()
                known[step.name] = data_hash(step.inputs())
                self._write(known)

    def preview(self) -> list[Planned]:
        """What `run` would do now; nothing behind a stale step is looked at, since its inputs may change."""
        known, plans = self._read(), []
        for step in self.steps:
            waits = plans and not plans[-1].up_to_date
            plans.append(
                Planned(step, False, "after the step before it") if waits else self.plan(step, known)
            )
        return plans

    def plan(self, step: Step, known: dict[str, str]) -> Planned:
        """Whether ``step`` is up to date, and why not."""
        if step.name not in known:
            return Planned(step, False, "not done yet")
        missing = [path for path in step.outputs() if not path.exists()]
        if missing:
            return Planned(step, False, f"{missing[0].name} is missing")
        if known[step.name] != data_hash(step.inputs()):
            return Planned(step, False, "its inputs changed")
        return Planned(step, True, "up to date")

    def _read(self) -> dict[str, str]:
        try:
            return dict(from_json(bounded_text(self.record)))
        except (FileNotFoundError, ValueError, TypeError):
            return {}

    def _write(self, known: dict[str, str]) -> None:
        write_json(self.record, known)
