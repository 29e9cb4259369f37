"""``lorawrap report``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from wrapper.cli.options import hold, next_step, open_project, project_options


@click.command("report")
@project_options
def command(project: Path, overrides: tuple[str, ...]) -> None:
    """Write report.html: the whole job with pictures and figures, on one page that needs nothing else."""
    from wrapper.report.report import write_report

    opened = open_project(project, overrides)
    hold(opened, writes=["report"])
    path = write_report(opened)
    click.echo(f"wrote {path}")
    next_step(f"open {shlex.quote(str(path))}")
