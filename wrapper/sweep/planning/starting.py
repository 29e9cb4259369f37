"""What Stage B goes on with where it is swept alone: the project's own LoRA of Stage A."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash
from wrapper.project.load import Project
from wrapper.project.schema import ProjectFile
from wrapper.toml_text import to_toml

KEY = "stage_b.kohya.network_weights"


def start_override(
    project: Project, settings: ProjectFile, stages: Sequence[str], swept: Collection[str]
) -> list[str]:
    """The setting, as for --set, that gives it to every trial; nothing where something else says it.

    Raises `UserError` where the project has no LoRA of Stage A yet.
    """
    own = project.paths.lora("stage_a", settings.project.name)
    said_else = KEY in swept or "network_weights" in settings.stage_b.kohya
    if list(stages) != ["stage_b"] or not settings.stage_a.enabled or said_else:
        return []
    if not own.is_file():
        where = shlex.quote(str(project.paths.root))
        raise UserError(
            f"Stage B goes on with the LoRA of Stage A, and there is no {own}.",
            f"Sweep both with --stage all, or train it first: lorawrap train stage_a --project {where}.",
        )
    return [f"{KEY}={to_toml(own.relative_to(project.paths.root))}"]


def start_hash(project: Project, settings: ProjectFile, stages: Sequence[str]) -> str:
    """What the trials' Stage B goes on with, by its content; empty for nothing of the project's."""
    named = settings.stage_b.kohya.get("network_weights")
    path = project.path(named) if "stage_a" not in stages and isinstance(named, str) and named else Path()
    return content_hash(path) if path.is_file() else ""
