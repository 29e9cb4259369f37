"""Which stages a command line means."""

from __future__ import annotations

from dataset_tools.errors import UserError
from wrapper.project.layout import STAGES
from wrapper.project.schema import ProjectFile


def stages_of(settings: ProjectFile, asked: str) -> list[str]:
    """``all`` gives every enabled stage in order, a name only that stage. `UserError` when none is left."""
    if asked != "all":
        return [asked]
    enabled = [stage for stage in STAGES if getattr(settings, stage).enabled]
    if not enabled:
        raise UserError("No stage is enabled.", "Set enabled = true in [stage_a] or [stage_b].")
    return enabled
