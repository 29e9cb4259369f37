"""``lorawrap sweep list``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from wrapper.cli.options import in_project, next_step, open_project
from wrapper.cli.sweep_options import project_option
from wrapper.cli.sweep_results import counts


@click.command("list")
@project_option
def command(project: Path) -> None:
    """Every sweep of the project: what it sweeps, and how its trials stand."""
    from dataset_tools.errors import UserError
    from dataset_tools.wording import count_of
    from wrapper.sweep.sweep_file import read_sweep, sweep_folder, sweep_names

    root = open_project(project, ()).paths.root
    names = sweep_names(root)
    for name in names:
        try:
            sweep = read_sweep(sweep_folder(root, name)).sweep
        except UserError as error:
            click.secho(error.message, fg="yellow", err=True)
            continue
        click.echo(f"{click.style(name, bold=True)}: {', '.join(sweep.keys)}")
        click.echo(f"  {count_of(len(sweep.trials), 'trial')}: {counts(sweep)}")
    where = in_project(project)
    next_step(
        f"lorawrap sweep show {shlex.quote(names[-1])}{where}"
        if names
        else f"lorawrap sweep run NAME --grid stage_a.kohya.learning_rate=1e-5,1e-4{where}"
    )
