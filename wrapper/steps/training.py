"""A stage's training as a step: what is trained already stays, a run that was cut off goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    from wrapper.launch.plan import Plan
    from wrapper.project.layout import RunPaths
    from wrapper.project.load import Project


def train_or_go_on(project: Project, stage: str) -> None:
    """Train ``stage``; go on from the last saved state where a cut-off run had the same configuration.

    What `lorawrap train` made of the same files and settings is not trained again.
    """
    from wrapper.launch.train import train

    if is_trained(project, stage):
        click.echo(f"{stage}: trained already, by {project.paths.run(stage).id}")
        return
    resume = can_go_on(project, stage)
    if resume:
        click.echo(f"{stage}: goes on from the last saved state")
    click.echo(f"wrote {train(project, stage, resume=resume)}")


def is_trained(project: Project, stage: str) -> bool:
    """Whether the published LoRA is that of the newest run, and the run what would be begun now."""
    from dataset_tools.files import content_hash
    from wrapper.runs.record import read_record

    run = project.paths.run(stage)
    record, published = read_record(run.record), project.paths.lora(stage, project.settings.project.name)
    if record.get("status") != "succeeded" or not published.is_file():
        return False
    is_its_own = record.get("lora", {}).get("sha256") == content_hash(published)
    return is_its_own and _begun_alike(project, stage, run) is not None


def can_go_on(project: Project, stage: str) -> bool:
    """Whether the newest run was cut off, is what would be begun now, and left a state to go on from.

    `UserError` when it still runs: on another machine, since here its lock keeps others out.
    """
    from wrapper.runs.heartbeat import refuse_if_alive
    from wrapper.runs.record import read_record, runs_elsewhere, was_cut_off
    from wrapper.runs.state import find_start, saved_states

    run = project.paths.run(stage)
    record = read_record(run.record)
    gone = runs_elsewhere(record)
    refuse_if_alive(run)
    if not (gone or was_cut_off(record)) or not saved_states(run):
        return False
    new = _begun_alike(project, stage, run)
    if new is None:
        return False
    try:
        find_start(run, new.schedule, new.trainer.engine)
    except UserError as error:
        click.echo(error.message)
        return False
    return True


def _begun_alike(project: Project, stage: str, run: RunPaths) -> Plan | None:
    """What would be begun now, where that has the trainer, the settings and the files of ``run``."""
    from wrapper.launch.plan import Wish, plan_new
    from wrapper.launch.train import what_changed
    from wrapper.runs.record import read_record

    new = plan_new(project, stage, Wish())
    other = read_record(run.record).get("engine") != new.trainer.engine or what_changed(project, run, new)
    return None if other else new
