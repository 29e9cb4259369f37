"""Which of a stage's checkpoints is delivered: the one that was asked for, the chosen one, or the last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError, did_you_mean
from wrapper.evaluation.checkpoints import Checkpoint, find_checkpoints
from wrapper.evaluation.taken import Taken, taken_checkpoint

if TYPE_CHECKING:
    from wrapper.project.load import Project


def take_checkpoints(project: Project, stages: Sequence[str], asked: str | None) -> dict[str, Taken]:
    """By stage. ``asked``: None for the chosen one, ``last``, or a checkpoint's path or name.

    A file of one stage leaves the others out. Raises `UserError` for a file that no stage saved.
    """
    paths, name = project.paths, project.settings.project.name
    if asked is None:
        return {stage: taken_checkpoint(paths, name, stage) for stage in stages}
    if asked == "last":
        why = "The last checkpoint, as asked for."
        return {stage: Taken(paths.lora(stage, name), "the last", why, chosen=False) for stage in stages}
    saved = [one for stage in stages for one in find_checkpoints(paths, stage, name)]
    found = [one for one in saved if _is(one, asked)]
    if not found:
        names = [one.path.name for one in saved]
        raise UserError(
            f"{asked}: no stage of this project saved that checkpoint.",
            f"{did_you_mean(Path(asked).name, names)} There are {len(names)}: {names[0]} to {names[-1]}."
            " Any other LoRA: lorawrap export FILE.".strip(),
        )
    one = found[0]
    return {one.stage: Taken(one.path, one.title, f"{one.title}, as asked for.", chosen=False)}


def _is(checkpoint: Checkpoint, asked: str) -> bool:
    path = Path(asked)
    return (
        asked in (checkpoint.path.name, checkpoint.path.stem) or path.resolve() == checkpoint.path.resolve()
    )
