"""``lorawrap train``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from wrapper.cli.options import hold, in_project, next_step, open_project, project_options

F = TypeVar("F", bound=Callable[..., Any])


def run_options(function: F) -> F:
    """Where a run's processes are and when it is given up: the fields of ``launch.plan.Wish``."""
    options = (
        click.option(
            "--engine", type=click.Choice(["auto", "embedded", "sd-scripts"]), help="Which trainer runs."
        ),
        click.option(
            "--device", type=click.Choice(["cpu", "cuda"]), help="Where; a GPU is used if there is one."
        ),
        click.option(
            "--gpus",
            default="",
            metavar="N|all|0,2",
            help="How many GPUs, or which ones ('1,' is only the second). One without it.",
        ),
        click.option(
            "--machines", type=click.IntRange(1), default=1, show_default=True, help="How many machines."
        ),
        click.option(
            "--machine-rank",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            help="Which of them this is; 0 writes.",
        ),
        click.option("--main-address", default="", metavar="HOST", help="Where the others find machine 0."),
        click.option(
            "--main-port", type=click.IntRange(1, 65535), default=29500, show_default=True, help="Its port."
        ),
        click.option(
            "--nan-limit",
            type=click.IntRange(0),
            default=None,
            help="End a run after so many reports of a NaN loss; 0 never. 3 without it, 0 with fp16.",
        ),
        click.option(
            "--hang-limit",
            type=click.FloatRange(0),
            default=None,
            metavar="MINUTES",
            help="Ask, or say so, after so long a silence; 0 never. Without it 10 minutes, or 20 steps.",
        ),
        click.option("--end-hung", is_flag=True, help="End a run that hangs without asking."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("train")
@click.argument("stage", type=click.Choice(["stage_a", "stage_b", "all"]))
@project_options
@run_options
@click.option("--resume", is_flag=True, help="Go on from the newest saved state, to the planned total.")
@click.option(
    "--dry-run", is_flag=True, help="Render, check, and print the command; write and start nothing."
)
def command(
    stage: str,
    project: Path,
    overrides: tuple[str, ...],
    resume: bool,
    dry_run: bool,
    **wished: Any,
) -> None:
    """Train STAGE, or all enabled stages in order: render, check, launch, verify, publish.

    On several machines, start it on each with its own --machine-rank.
    """
    from wrapper.launch.stages import stages_of
    from wrapper.launch.train import go_on, train

    opened = open_project(project, overrides)
    stages = stages_of(opened.settings, stage)
    where = in_project(project)
    if dry_run:
        for name in stages:
            _show(opened, name, models=name == stages[0], resume=resume, **wished)
        next_step(f"the same command without --dry-run; to paste the line, lorawrap render{where} first")
        return
    alone = wished.get("machines", 1) == 1  # several machines write into one folder, each its own files
    hold(opened, writes=stages if alone else (), reads=["dataset"])
    for name in stages:
        act = go_on if resume and len(stages) > 1 else train
        click.echo(f"wrote {act(opened, name, resume=resume, **wished)}")
    next_step(f"lorawrap generate{where}")


def _show(opened: Any, stage: str, **how: Any) -> None:
    """The command; on several machines that of each, with what to type there."""
    from wrapper.launch.train import plan

    planned = plan(opened, stage, dry=True, **how)
    click.echo(f"{stage}: {planned.trainer.engine}, because {planned.trainer.why}", err=True)
    if planned.where.machines == 1:
        click.echo(planned.preview.shell())
        return
    for rank, line in enumerate(planned.on_machines()):
        click.echo(f"# machine {rank}: lorawrap train {stage} … --machine-rank {rank}, which runs")
        click.echo(line.shell())
