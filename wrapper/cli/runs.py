"""``lorawrap runs list | show | resume | compare``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from wrapper.cli.options import hold, in_project, next_step, open_project, project_options
from wrapper.cli.train import run_options


@click.group("runs")
def command() -> None:
    """The runs of a project: a list, one of them, going on with one, and two side by side."""


@command.command("list")
@project_options
@click.option("--stage", type=click.Choice(["stage_a", "stage_b"]), help="Only this stage's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def list_command(project: Path, overrides: tuple[str, ...], stage: str | None, as_json: bool) -> None:
    """Every run: stage, trainer, status, steps, loss, time, and the LoRA that it published."""
    from wrapper.runs.listing import list_runs

    opened = open_project(project, overrides)
    found = list_runs(opened.paths, stage)
    if as_json:
        click.echo(json.dumps([vars(line) for line in found], indent=2, ensure_ascii=False))
        return
    rows = [("id", "engine", "status", "steps", "loss", "time", "LoRA")]
    for line in found:
        loss = "" if line.loss is None else f"{line.loss:.4f}"
        rows.append((line.id, line.engine, line.status, line.steps, loss, line.duration, line.lora))
    _table(rows)
    where = in_project(project)
    next_step(f"lorawrap runs show {found[-1].id}{where}" if found else f"lorawrap train all{where}")


@command.command("show")
@click.argument("run_id", metavar="ID")
@project_options
@click.option("--json", "as_json", is_flag=True, help="The run's record, as it is kept.")
def show_command(run_id: str, project: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """All about the run ID, or a stage's newest run: each setting and where it came from, and how it went."""
    from wrapper.runs.listing import facts, find_run, next_after, setting_rows
    from wrapper.runs.record import read_record

    run = find_run(open_project(project, overrides).paths, run_id)
    if as_json:
        click.echo(json.dumps(read_record(run.record), indent=2, ensure_ascii=False))
        return
    click.secho(run.id, bold=True)
    for name, value in facts(run):
        if value:
            click.echo(f"  {name}: {value}")
    _table([("key", "value", "from"), *setting_rows(run)])
    next_step(next_after(run, in_project(project)))


@command.command("resume")
@click.argument("run_id", metavar="ID")
@project_options
@run_options
@click.option("--anyway", is_flag=True, help="Go on although base, images or files have changed since.")
def resume_command(
    run_id: str, project: Path, overrides: tuple[str, ...], anyway: bool, **wished: Any
) -> None:
    """Go on with the run ID from its own files and its newest state, to the total it was begun with."""
    from wrapper.launch.train import resume_run
    from wrapper.runs.listing import find_run

    opened = open_project(project, overrides)
    run = find_run(opened.paths, run_id)
    hold(opened, writes=[run.stage], reads=["dataset"])
    click.echo(f"wrote {resume_run(opened, run, anyway=anyway, **wished)}")
    next_step(f"lorawrap generate{in_project(project)}")


@command.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@project_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the picture of both curves.",
)
def compare_command(
    first: str, second: str, project: Path, overrides: tuple[str, ...], out: Path | None
) -> None:
    """Two runs side by side: settings that differ, losses at equal steps, and which is lower beyond noise."""
    from wrapper.runs.compare import compare, is_other_data, sentence
    from wrapper.runs.curve import draw_curves
    from wrapper.runs.listing import find_run
    from wrapper.runs.record import read_record

    opened = open_project(project, overrides)
    runs = [find_run(opened.paths, name) for name in (first, second)]
    names = (runs[0].id, runs[1].id)
    found = compare(*runs, *opened.paths.roots)
    _table([("setting", *names), *((key, str(one), str(other)) for key, one, other in found.settings)])
    _table([("step", *names), *((str(step), f"{a:.4f}", f"{b:.4f}") for step, a, b in found.at)])
    click.echo(sentence(names, found.difference))
    if is_other_data(found.settings, [read_record(run.record) for run in runs]):
        click.secho("They were trained on other images or another base: the losses say little.", fg="yellow")
    path = draw_curves(runs, out or opened.paths.runs / f"{names[0]}_{names[1]}.svg")
    if path is not None:
        click.echo(f"wrote {path}")
    next_step(
        f"open {shlex.quote(str(path))}" if path else f"lorawrap runs show {names[0]}{in_project(project)}"
    )


def _table(rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell; nothing for a heading alone."""
    if len(rows) < 2:
        return
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.secho("  ".join(cells).rstrip(), bold=number == 0)
