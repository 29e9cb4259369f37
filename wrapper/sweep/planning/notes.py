"""What a person would want to know of a sweep that is planned, though nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from wrapper.project.schema import ProjectFile
from wrapper.sweep.trials import Sweep


def notes_of(sweep: Sweep, settings: ProjectFile, start: Sequence[str], equal: int) -> list[str]:
    """``equal``: so many trials were given twice; ``start``: what Stage B was made to go on with."""
    trials, notes = sweep.trials, []
    if equal:
        notes.append(f"{equal} trials with the settings of others were left out")
    if any(key.startswith(("generate.", "inpaint.", "export.")) for key in sweep.keys):
        notes.append("every trial is trained, though generate, inpaint and export settings train nothing")
    if "project.seed" in sweep.keys:
        said = "project.seed also decides what is held out"
        notes.append(f"{said}; stage_a.kohya.seed and stage_b.kohya.seed change the training alone")
    if start:
        notes.append(f"Stage B of every trial goes on with the project's own Stage A: {start[0]}")
    names = {one.dataset for one in trials}
    if len(names) > 1:
        own = len(names - {""})
        notes.append(f"the trials use {len(names)} datasets, {own} of them made for this sweep")
    if settings.dataset.holdout == "none":
        notes.append("nothing is held out ([dataset] holdout = 'none'): the trials cannot be measured on it")
    return notes
