"""``lorawrap render``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.options import in_project, next_step, open_project, project_options


@click.command("render")
@click.argument("stage", type=click.Choice(["stage_a", "stage_b", "all"]), default="all")
@project_options
def command(stage: str, project: Path, overrides: tuple[str, ...]) -> None:
    """Render the Kohya TOMLs of STAGE (all stages by default) into the project's config folder."""
    from wrapper.kohya.render import render_stage, write
    from wrapper.launch.stages import stages_of

    opened = open_project(project, overrides)
    written = []
    for name in stages_of(opened.settings, stage):
        written += write(render_stage(opened, name), opened.paths)
    for path in written:
        click.echo(f"wrote {path}")
    next_step(f"lorawrap train {stage}{in_project(project)}")
