"""``lorawrap render``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.options import in_project, next_step, open_project, project_options


@click.command("render")
@click.argument("stage", type=click.Choice(["stage_a", "stage_b", "all"]), default="all")
@project_options
@click.option(
    "--dry-run",
    "--show",
    "show",
    is_flag=True,
    help="Print the files, each value with the place that it comes from; write nothing.",
)
def command(stage: str, project: Path, overrides: tuple[str, ...], show: bool) -> None:
    """Render the Kohya TOMLs of STAGE (all stages by default) into the project's config folder."""
    from wrapper.kohya.render import render_stage, write
    from wrapper.launch.stages import stages_of

    opened = open_project(project, overrides)
    made = [render_stage(opened, name) for name in stages_of(opened.settings, stage)]
    for rendered in made:
        if show:
            for text in (rendered.train_toml, rendered.dataset_toml):
                click.echo(text)
        else:
            for path in write(rendered, opened.paths):
                click.echo(f"wrote {path}")
        if rendered.needs:
            click.secho(f"{rendered.stage} needs sd-scripts: {rendered.needs}.", fg="yellow", err=True)
    next_step(f"lorawrap {'render' if show else 'train'} {stage}{in_project(project)}")
