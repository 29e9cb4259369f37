"""``lorawrap train``."""

from __future__ import annotations

from pathlib import Path

import click

from wrapper.cli.options import in_project, next_step, open_project, project_options


@click.command("train")
@click.argument("stage", type=click.Choice(["stage_a", "stage_b", "all"]))
@project_options
@click.option("--engine", type=click.Choice(["auto", "embedded", "sd-scripts"]), help="Which trainer runs.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where; a GPU is used if there is one.")
@click.option("--resume", is_flag=True, help="Go on from the newest saved state, to the planned total.")
@click.option("--dry-run", is_flag=True, help="Render, check, and print the command; start nothing.")
def command(
    stage: str,
    project: Path,
    overrides: tuple[str, ...],
    engine: str | None,
    device: str | None,
    resume: bool,
    dry_run: bool,
) -> None:
    """Train STAGE, or all enabled stages in order: render, check, launch, verify, publish."""
    from wrapper.launch.stages import stages_of
    from wrapper.launch.train import go_on, plan, train

    opened = open_project(project, overrides)
    stages = stages_of(opened.settings, stage)
    where = in_project(project)
    if dry_run:
        for name in stages:
            waits = name != stages[0]
            planned = plan(opened, name, engine=engine, resume=resume, device=device, models=not waits)
            click.echo(planned.command.shell())
        next_step(f"lorawrap train {stage}{where}")
        return
    for name in stages:
        act = go_on if resume and len(stages) > 1 else train
        made = act(opened, name, engine=engine, resume=resume, device=device)
        click.echo(f"wrote {made}")
    next_step(f"lorawrap generate{where}")
