"""What is held side by side: the base alone, each stage's LoRA, and the checkpoints before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from wrapper.evaluation.checkpoints import Checkpoint, check_pattern, find_checkpoints, fits
from wrapper.project.layout import STAGES

if TYPE_CHECKING:
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project

BASE = "base"


@dataclass(frozen=True)
class Subject:
    """The base, or the base with one LoRA. ``digest`` is the file's SHA-256, empty for the base alone.

    It is measured with ``seeds``; pictures of the seeds in ``kept`` stay on the disk.
    """

    name: str
    stage: str
    digest: str
    lora: LoraUse | None
    seeds: tuple[int, ...]
    kept: tuple[int, ...]

    @property
    def loras(self) -> tuple[LoraUse, ...]:
        return (self.lora,) if self.lora else ()


def trained_checkpoints(project: Project) -> dict[str, list[Checkpoint]]:
    """The checkpoints of each trained stage, as [evaluate] asks for them.

    Raises `UserError` when nothing was trained, and for a pattern that no file has. Where a stage is still to
    be trained the pattern may be of that one: then the last of the others are taken (`other_stage_note`).
    """
    paths, name, asked = project.paths, project.settings.project.name, project.settings.evaluate
    found = {
        stage: find_checkpoints(paths, stage, name, asked.checkpoints, asked.max_checkpoints)
        for stage in STAGES
    }
    trained = {stage: checkpoints for stage, checkpoints in found.items() if checkpoints}
    if not trained:
        expected = " or ".join(paths.lora(stage, name).name for stage in STAGES)
        raise UserError(f"{paths.loras}: no {expected} to score.", "Run 'lorawrap train' first.")
    if not _waits(project, trained):
        check_pattern(paths, name, list(trained), asked.checkpoints)
    return trained


def other_stage_note(project: Project, trained: Collection[str]) -> str:
    """That the pattern in the project's file names nothing of the stages that are ``trained``, or nothing."""
    asked = project.settings.evaluate.checkpoints
    if not _waits(project, trained) or fits(project.paths, list(trained), asked):
        return ""
    return f"[evaluate] checkpoints = '{asked}' names none of {', '.join(trained)}: the last are measured"


def _waits(project: Project, trained: Collection[str]) -> bool:
    """Whether the project's own pattern may be of a stage that is still to be trained."""
    settings, written = project.settings, project.origin("evaluate.checkpoints") != "--set"
    return written and any(getattr(settings, stage).enabled and stage not in trained for stage in STAGES)


def subjects_of(
    checkpoints: Mapping[str, Sequence[Checkpoint]], weight: float, seeds: Sequence[int], fewer: int
) -> list[Subject]:
    """The base, each stage's last LoRA, then the checkpoints before, these with ``fewer`` seeds (0: all).

    The order is that of the work: what everybody looks at first is there first.
    """
    from wrapper.lora.apply import LoraUse

    everything = [one for stage in checkpoints.values() for one in stage]
    whole = tuple(seeds)
    subjects = [Subject(BASE, "", "", None, whole, whole)]
    for one in sorted(everything, key=lambda one: not one.last):
        used = whole if one.last else whole[: fewer or None]
        kept = whole if one.last else whole[:1]
        subjects.append(Subject(one.name, one.stage, one.digest, LoraUse(one.path, weight), used, kept))
    return subjects
