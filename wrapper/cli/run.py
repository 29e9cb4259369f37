"""``lorawrap run``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from wrapper.cli.options import hold, next_step, open_project, project_options


@click.command("run")
@project_options
@click.option("--dry-run", is_flag=True, help="Say which steps would be done and why; write nothing.")
def command(project: Path, overrides: tuple[str, ...], dry_run: bool) -> None:
    """The whole job, from QC to the report, skipping every step that is up to date."""
    from wrapper.project.lock import PARTS
    from wrapper.steps.job import preview_job, run_job
    from wrapper.steps.preflight import check_requests

    opened = open_project(project, overrides)
    if dry_run:
        preview_job(opened)
        return
    check_requests(opened)
    hold(opened, writes=PARTS)
    run_job(opened)
    next_step(f"open {shlex.quote(str(opened.paths.report))}")
