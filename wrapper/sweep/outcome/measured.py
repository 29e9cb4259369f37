"""What a trial has to show: the checkpoint that stands for it, as its evaluation measured it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dataset_tools.errors import UserError
from wrapper.evaluation.denoising import HOLDOUT
from wrapper.evaluation.taken import taken_checkpoint
from wrapper.evaluation.words import STAGES as TITLES
from wrapper.project.load import Project, load_project
from wrapper.records import read_json
from wrapper.sweep.trials import Trial

AGAIN = "Measure it again: lorawrap evaluate."


class _Form(BaseModel):
    """As far as ``evaluation.json`` is read here; more may be in it."""

    model_config = ConfigDict(strict=True)


class _Row(_Form):
    image: str
    seed: int | None
    measures: dict[str, float]
    picture: str


class _Figures(_Form):
    mean: float


class _Subject(_Form):
    masked: dict[str, _Figures]
    scenes: dict[str, _Figures]
    loss: dict[str, dict[str, _Figures]]
    per_image: list[_Row]
    per_image_loss: dict[str, dict[str, dict[str, float]]]


class _Checkpoint(_Subject):
    title: str
    file: str
    sha256: str


class _Evaluation(_Form):
    settings: dict[str, Any]
    checkpoints: dict[str, list[_Checkpoint]]
    base: _Subject
    pictures: list[dict[str, str]]


@dataclass(frozen=True)
class Measured:
    """``settings`` are the evaluation's; ``truths``: by held-out image, the path of the picture itself.

    Paths are relative to the project's folder, with ``/``.
    """

    project: Project
    stage: str
    lora: Path
    checkpoint: _Checkpoint
    base: _Subject
    settings: Mapping[str, Any]
    truths: Mapping[str, str]

    def rows(self, subject: _Subject) -> dict[str, Any]:
        """``subject`` as `choice.units_of` takes one: its figures of this stage alone."""
        losses = {stage: sets for stage, sets in subject.per_image_loss.items() if stage == self.stage}
        rows = [{"image": row.image, "seed": row.seed, **row.measures} for row in subject.per_image]
        return {"per_image": rows, "per_image_loss": losses}

    def means(self) -> dict[str, float]:
        """Every measure's mean over all images and seeds, by metric."""
        losses = self.checkpoint.loss.get(self.stage, {})
        held = {"loss": losses[HOLDOUT]} if HOLDOUT in losses else {}
        found = {**self.checkpoint.masked, **self.checkpoint.scenes, **held}
        return {name: figures.mean for name, figures in found.items()}


def read_measured(trial: Trial, stage: str, digest: Callable[[Path], str]) -> Measured:
    """Read it; ``digest`` gives a file's SHA-256. Raises `UserError` that says why there is nothing."""
    project = load_project(trial.folder)
    record = read_json(project.paths.evaluation)
    if record is None:
        raise UserError(f"It was not measured: there is no {project.paths.evaluation.name}.", AGAIN)
    found = _formed(record, project.paths.evaluation.name)
    if not found.checkpoints.get(stage):
        raise UserError(f"{TITLES[stage]} was not measured.", AGAIN)
    lora, checkpoint = _taken(project, stage, found.checkpoints[stage], digest)
    truths = {row["image"]: row["original"] for row in found.pictures if {"image", "original"} <= row.keys()}
    return Measured(project, stage, lora, checkpoint, found.base, found.settings, truths)


def _formed(record: Mapping[str, Any], name: str) -> _Evaluation:
    try:
        return _Evaluation.model_validate(record)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UserError(f"{name} is not as it is written: {where}.", AGAIN) from None


def _taken(
    project: Project, stage: str, checkpoints: Sequence[_Checkpoint], digest: Callable[[Path], str]
) -> tuple[Path, _Checkpoint]:
    """The file that stands for the trial, and what was measured of it."""
    taken = taken_checkpoint(project.paths, project.settings.project.name, stage, digest)
    if not taken.path.is_file():
        raise UserError(f"Its LoRA is gone: {taken.path.name}.", "Train it again.")
    measured = {one.sha256: one for one in checkpoints}
    found = measured.get(digest(taken.path))
    if found is None:
        raise UserError(f"{taken.path.name} was trained anew after it was measured.", AGAIN)
    return taken.path, found
