"""A chain of steps, each skipped while its inputs are what they were and its outputs are there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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

    A step's key covers its own inputs and the keys of all steps before it, so that one change
    makes everything behind it stale.
    """

    def __init__(self, steps: Sequence[Step], record: Path) -> None:
        self.steps = steps
        self.record = record

    def run(self, announce: Callable[[Planned], None]) -> None:
        """Do each step that is not up to date; the record is written after each, so a stop loses nothing."""
        known = self._read()
        previous = ""
        for step in self.steps:
            planned, key = self.plan(step, previous, known)
            announce(planned)
            if not planned.up_to_date:
                known.pop(step.name, None)
                self._write(known)
                step.act()
                known[step.name] = data_hash([previous, step.inputs()])
                self._write(known)
            previous = key if planned.up_to_date else known[step.name]

    def preview(self) -> list[Planned]:
        """What `run` would do now; nothing behind a stale step is looked at, since its inputs will change."""
        known, previous, plans = self._read(), "", []
        for step in self.steps:
            if plans and not plans[-1].up_to_date:
                plans.append(Planned(step, False, "a step before it will be done"))
                continue
            planned, previous = self.plan(step, previous, known)
            plans.append(planned)
        return plans

    def plan(self, step: Step, previous: str, known: dict[str, str]) -> tuple[Planned, str]:
        """Whether ``step`` is up to date, and the key of its inputs."""
        key = data_hash([previous, step.inputs()])
        missing = [path for path in step.outputs() if not path.exists()]
        if step.name not in known:
            return Planned(step, False, "not done yet"), key
        if missing:
            return Planned(step, False, f"{missing[0].name} is missing"), key
        if known[step.name] != key:
            return Planned(step, False, "its inputs changed"), key
        return Planned(step, True, "up to date"), key

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self.record.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):
            return {}

    def _write(self, known: dict[str, str]) -> None:
        write_json(self.record, known)
