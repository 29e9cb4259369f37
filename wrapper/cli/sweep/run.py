"""``lorawrap sweep run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import hold, next_step, open_project, project_options
from wrapper.cli.sweep_engines import Where, engine_options, where_of
from wrapper.cli.sweep_results import show_plan, show_results

if TYPE_CHECKING:
    from wrapper.project.load import Project
    from wrapper.sweep.planning.plan import SweepPlan


@click.command("run")
@click.argument("name")
@click.option(
    "--grid",
    "grids",
    multiple=True,
    metavar="KEY=V1,V2,…",
    help="A setting of lorawrap.toml and its values: 1e-5,1e-4; a range is 4..64*2 or 0.1..0.3+0.1. Several "
    "make every combination; KEY+KEY=… gives two settings one value.",
)
@click.option(
    "--list",
    "listed",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file with a trial a row: .csv, .jsonl, .json or .toml. With --grid, each with each combination.",
)
@click.option(
    "--max", "most", type=click.IntRange(1), help="At most so many of the combinations, drawn at random."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For --max.")
@click.option(
    "--stage", type=click.Choice(["stage_a", "stage_b", "all"]), help="What each trial trains.  [all enabled]"
)
@project_options
@engine_options
@click.option("--again", type=click.Choice(["failed"]), help="Run trials that failed once more, from anew.")
@click.option("--stop-on-failure", is_flag=True, help="End the sweep with the first trial that fails.")
@click.option("--dry-run", is_flag=True, help="Show the trials, their steps and how long; write nothing.")
def command(
    name: str,
    project: Path,
    overrides: tuple[str, ...],
    again: str | None,
    stop_on_failure: bool,
    dry_run: bool,
    **given: Any,
) -> int:
    """Train and measure a trial for each combination of settings, and rank them.

    A trial is a project of its own in sweeps/NAME/trials, on which every command works. The same command, or
    NAME alone, goes on with what is not done; more values add trials. Exit code 1 when a trial failed.
    """
    where = where_of(given)
    opened = open_project(project, ())
    plan = _plan(opened, name, overrides, given)
    if dry_run:
        return _preview(plan, where, again is not None)
    hold_sweep(plan)
    return _run(plan, where, opened, project, again is not None, stop_on_failure)


def _preview(plan: SweepPlan, where: Where, failed_too: bool) -> int:
    """What would run; then what would keep it from beginning, where GPUs or a cluster are not there."""
    from dataset_tools.errors import UserError
    from wrapper.sweep.planning.checking import check_trials
    from wrapper.sweep.planning.checking_data import check_datasets_elsewhere
    from wrapper.sweep.queue import waiting

    trials, fault, at_once = waiting(plan.sweep, failed_too=failed_too), None, None
    check_datasets_elsewhere(plan)
    steps = check_trials(plan, trials, where.device)
    try:
        at_once = where.look(plan.sweep.folder)
    except UserError as error:
        fault = error
    show_plan(plan, trials, steps, at_once)
    if fault is not None:
        raise UserError(f"It would not begin now: {fault.message}", fault.hint)
    next_step("the same command without --dry-run")
    return 0


def hold_sweep(plan: SweepPlan) -> None:
    """Keep others from running the same sweep until this command ends."""
    from wrapper.project.layout import CACHE
    from wrapper.project.lock import held

    context = click.get_current_context()
    context.with_resource(held(plan.sweep.folder / CACHE, context.command_path, writes=["sweep"]))


def _plan(opened: Project, name: str, overrides: tuple[str, ...], given: dict[str, Any]) -> SweepPlan:
    from wrapper.sweep.planning.grids import parse_axis
    from wrapper.sweep.planning.lists import read_rows
    from wrapper.sweep.planning.plan import Asked, plan_sweep

    asked = Asked(
        name,
        given["stage"],
        read_rows(given["listed"]) if given["listed"] else (),
        [parse_axis(text) for text in given["grids"]],
        overrides,
        given["most"] or 0,
        given["seed"],
    )
    plan = plan_sweep(opened, asked)
    for note in plan.notes:
        click.secho(f"note: {note}", fg="yellow", err=True)
    return plan


def _run(
    plan: SweepPlan, where: Where, opened: Project, project: Path, failed_too: bool, stop_on_failure: bool
) -> int:
    from wrapper.sweep.planning.checking import check_trials
    from wrapper.sweep.planning.plan import keep
    from wrapper.sweep.planning.preparing import prepare_datasets
    from wrapper.sweep.queue import run_trials, waiting

    trials = waiting(plan.sweep, failed_too=failed_too)
    click.echo(f"{len(trials)} of {len(plan.sweep.trials)} trials to run {where.title}")
    bad = 0
    if trials:
        prepare_datasets(plan, click.get_current_context().command_path)
        hold(opened, reads=["dataset"])
        steps = check_trials(plan, trials, where.device)
        keep(plan)
        engine = where.engine(plan.sweep.folder)
        how = {"stop_on_failure": stop_on_failure}
        outcome = run_trials(plan.sweep, trials, engine, steps, click.echo, **how)
        if outcome.stopped:
            where.stop(plan.sweep.folder)
        bad = outcome.bad
    show_results(plan.sweep, project, plan.settings.evaluate.choose_by)
    return 1 if bad else 0
