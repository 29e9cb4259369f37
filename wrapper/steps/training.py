"""A stage's training as a step: a run that was cut off goes on, any other starts anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataset_tools.errors import UserError

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
    """Whether the newest run was cut off, is what would be begun now, and left a state to go on from.

    `UserError` when it still runs: on another machine, since here its lock keeps others out.
    """
    from wrapper.launch.plan import Wish, plan_new
    from wrapper.launch.train import what_changed
    from wrapper.runs.heartbeat import refuse_if_alive
    from wrapper.runs.record import read_record, runs_elsewhere, was_cut_off
    from wrapper.runs.state import find_start, saved_states

    run = project.paths.run(stage)
    record = read_record(run.record)
    gone = runs_elsewhere(record)
    refuse_if_alive(run)
    if not (gone or was_cut_off(record)) or not saved_states(run):
        return False
    new = plan_new(project, stage, Wish())
    if record.get("engine") != new.trainer.engine or what_changed(project, run, new):
        return False
    try:
        find_start(run, new.schedule, new.trainer.engine)
    except UserError as error:
        click.echo(error.message)
        return False
    return True
