"""The checkpoints of a stage: what its run saved on the way, and the LoRA that it ended with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash
from dataset_tools.system.left_by_systems import visible
from wrapper.project.layout import ProjectPaths, RunPaths
from wrapper.runs.record import read_record
from wrapper.safetensors_header import read_header

_EPOCH = re.compile(r"-(\d{2,6})$")
_STEP = re.compile(r"-step(\d{8})$")
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A LoRA file; ``step`` and ``epoch`` are None where neither its name nor its metadata says them."""

    stage: str
    path: Path
    step: int | None
    epoch: int | None
    last: bool

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, read when it is first asked for."""
        return content_hash(self.path)

    @property
    def name(self) -> str:
        return self.stage if self.last else self.path.stem

    @property
    def title(self) -> str:
        """``epoch 7, step 210`` or, where nothing is known, the file's name."""
        parts = [f"epoch {self.epoch}"] if self.epoch is not None else []
        parts += [f"step {self.step}"] if self.step is not None else []
        told = ", ".join(parts)
        if self.last:
            return f"the last ({told})" if told else "the last"
        return told or self.path.name


def find_checkpoints(
    paths: ProjectPaths, stage: str, name: str, asked: str = "all", most: int = 0
) -> list[Checkpoint]:
    """The checkpoints of ``stage``'s newest finished run by age, the published LoRA last; empty without one.

    ``asked``: ``all``, ``last``, or a pattern of file names; ``most``: so many of them, spread evenly, 0 for
    any number. The published LoRA is always among them.
    """
    published = paths.lora(stage, name)
    if not published.is_file():
        return []
    run = finished_run(paths, stage)
    record = read_record(run.record) if run else {}
    last = _checkpoint(stage, published, record)
    earlier = [path for path in _saved(run) if path.name != published.name and _wanted(path, asked)]
    found = sorted((_checkpoint(stage, path) for path in earlier), key=_age)
    return [*spread(found, most - 1 if most else 0), last] if most != 1 else [last]


def check_pattern(paths: ProjectPaths, name: str, stages: Sequence[str], asked: str) -> None:
    """Raise `UserError` when ``asked`` is a pattern that no saved file has."""
    if not fits(paths, stages, asked):
        saved = _all_saved(paths, stages)
        there = ", ".join(path.name for path in saved[:6]) or "none"
        raise UserError(
            f"No saved checkpoint is called '{asked}'.", f"all, last, or a pattern. There are: {there}."
        )


def fits(paths: ProjectPaths, stages: Sequence[str], asked: str) -> bool:
    """Whether ``asked`` means a saved file of these stages, or needs none."""
    return asked in ("all", "last") or any(_wanted(path, asked) for path in _all_saved(paths, stages))


def _all_saved(paths: ProjectPaths, stages: Sequence[str]) -> list[Path]:
    runs = [run for stage in stages if (run := finished_run(paths, stage))]
    return [path for run in runs for path in _saved(run)]


def finished_run(paths: ProjectPaths, stage: str) -> RunPaths | None:
    """The newest run of ``stage`` that succeeded; records of older ones are not read."""
    runs = (run for run in reversed(paths.all_runs()) if run.stage == stage)
    return next((run for run in runs if read_record(run.record).get("status") == "succeeded"), None)


def spread(items: Sequence[Checkpoint], most: int) -> list[Checkpoint]:
    """At most ``most`` of ``items``, evenly, the newest of each share; 0 for all."""
    if not most or len(items) <= most:
        return list(items)
    return [items[(place + 1) * len(items) // most - 1] for place in range(most)]


def _saved(run: RunPaths | None) -> list[Path]:
    return sorted(visible(run.output.glob(f"*{SUFFIX}"))) if run and run.output.is_dir() else []


def _wanted(path: Path, asked: str) -> bool:
    if asked in ("all", "last"):
        return asked == "all"
    return fnmatchcase(path.name, asked) or fnmatchcase(path.stem, asked)


def _checkpoint(stage: str, path: Path, record: dict | None = None) -> Checkpoint:
    """With the run's ``record`` it is the last one, whose steps the record knows as well."""
    told = read_header(path).metadata
    step, epoch = _STEP.search(path.stem), _EPOCH.search(path.stem)
    steps = int(step[1]) if step else _number(told.get("ss_steps"))
    epochs = int(epoch[1]) if epoch and record is None else _number(told.get("ss_epoch"))
    if record is not None and steps is None:
        steps = record.get("steps")
    return Checkpoint(stage, path, steps, epochs, last=record is not None)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _age(checkpoint: Checkpoint) -> tuple[int, int, str]:
    return checkpoint.step or 0, checkpoint.epoch or 0, checkpoint.path.name


def positions(checkpoints: Sequence[Checkpoint]) -> tuple[str, list[float]]:
    """What the axis of a curve over ``checkpoints`` is called, and where each lies on it."""
    if all(one.step is not None for one in checkpoints):
        return "steps", [float(one.step or 0) for one in checkpoints]
    return "checkpoints", [float(place) for place in range(1, len(checkpoints) + 1)]
