"""``lorawrap sweep cancel``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from wrapper.cli.options import in_project, next_step, open_project
from wrapper.cli.sweep_options import name_and_project


@click.command("cancel")
@name_and_project
def command(name: str, project: Path) -> None:
    """End the Slurm jobs of the sweep NAME, waiting and running. What its trials have saved stays.

    Elsewhere trials end with the command that runs them: Ctrl-C is enough.
    """
    from dataset_tools.wording import count_of
    from wrapper.sweep.engines.slurm import cancel_queued
    from wrapper.sweep.sweep_file import read_sweep, sweep_folder

    opened = open_project(project, ())
    sweep = read_sweep(sweep_folder(opened.paths.root, name)).sweep
    ended = cancel_queued(sweep.folder)
    for trial, job in ended.items():
        click.echo(f"{trial}: job {job} was ended")
    click.echo(f"{count_of(len(ended), 'job')} ended")
    next_step(f"lorawrap sweep run {shlex.quote(name)}{in_project(project)} --slurm")
