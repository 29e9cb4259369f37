"""A stage's training as a step: a run that was cut off goes on, any other starts anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash

if TYPE_CHECKING:
    from wrapper.project.load import Project


def train_or_go_on(project: Project, stage: str) -> None:
    """Train ``stage``; go on from the last saved state where a cut-off run had the same configuration."""
    from wrapper.launch.train import train

    resume = can_go_on(project, stage)
    if resume:
        click.echo(f"{stage}: goes on from the last saved state")
    click.echo(f"wrote {train(project, stage, resume=resume)}")


def can_go_on(project: Project, stage: str) -> bool:
    """Whether the last run was cut off, was started from what would be rendered now, and left a state."""
    from wrapper.kohya.render import render_stage, write
    from wrapper.launch.state import newest_state

    run = project.paths.run(stage)
    record = _record(run.record)
    if record.get("status") not in ("running", "interrupted"):
        return False
    write(render_stage(project, stage), project.paths)
    tomls = (project.paths.train_toml(stage), project.paths.dataset_toml(stage))
    if record.get("config") != {str(path): content_hash(path) for path in tomls}:
        return False
    try:
        newest_state(run, int(record.get("planned_steps", 0)))
    except UserError:
        return False
    return True


def _record(path: Path) -> dict[str, object]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
