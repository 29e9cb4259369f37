"""``lorawrap sweep show``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.options import open_project
from wrapper.cli.sweep_options import name_and_project
from wrapper.cli.sweep_results import counts, show_results


@click.command("show")
@name_and_project
@click.option(
    "--by", metavar="MEASURE", help="What the trials are ranked by. [evaluate] choose_by otherwise."
)
def command(name: str, project: Path, by: str | None) -> None:
    """The trials of the sweep NAME, the best first, as a table and as a page; also while it runs."""
    from dataset_tools.wording import count_of
    from wrapper.sweep.sweep_file import read_sweep, sweep_folder

    sweep, kept = read_sweep(sweep_folder(open_project(project, ()).paths.root, name))
    click.secho(f"{sweep.name}: {count_of(len(sweep.trials), 'trial')}, {counts(sweep)}", bold=True)
    settings = open_project(project, tuple(kept.overrides)).settings
    show_results(sweep, project, by or settings.evaluate.choose_by)
