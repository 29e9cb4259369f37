"""What `lorawrap sweep` shows: the trials that would run, and what came out of those that did."""

from __future__ import annotations

import shlex
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wrapper.cli.options import in_project, next_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wrapper.sweep.outcome.ranking import Ranking
    from wrapper.sweep.planning.checking import Steps
    from wrapper.sweep.planning.plan import SweepPlan
    from wrapper.sweep.trials import Sweep, Trial

SHOWN = 40


def show_plan(plan: SweepPlan, trials: Sequence[Trial], steps: Steps, at_once: int | None) -> None:
    """The trials that would run, with their settings, and a forecast; nothing is written."""
    from dataset_tools.progress import clock
    from dataset_tools.wording import count_of
    from wrapper.sweep.forecast import seconds_left
    from wrapper.sweep.outcome.shown import setting_words, swept_names

    shorts = swept_names(plan.sweep)
    for trial in trials[:SHOWN]:
        told = ", ".join(f"{stage} {count} steps" for stage, count in steps[trial.id].items())
        dataset = f", dataset {trial.dataset}" if trial.dataset else ""
        mark = "new" if trial.id in plan.new else trial.status()
        click.echo(
            f"{trial.id} {mark}: {setting_words(trial.settings, shorts)} ({told or 'to be built'}{dataset})"
        )
    if len(trials) > SHOWN:
        click.echo(f"and {len(trials) - SHOWN} more")
    total = sum(sum(stages.values()) for stages in steps.values())
    seconds = seconds_left(plan.sweep, trials, steps, at_once or 1)
    time = f", about {clock(seconds)} by the pace of earlier runs" if seconds else ""
    time += " if one runs after the other" if time and at_once is None else ""
    todo = f"{count_of(len(trials), 'trial')} to run, {count_of(total, 'step')} in all"
    click.echo(f"{todo}{'' if at_once is None else f', {at_once} at once'}{time}")
    _tell_unbuilt(trials, steps)
    click.echo("Nothing was written: this was a dry run.")


def _tell_unbuilt(trials: Sequence[Trial], steps: Steps) -> None:
    unbuilt = [trial.id for trial in trials if not steps[trial.id]]
    if unbuilt:
        click.echo(
            f"{len(unbuilt)} trials could not be checked to the end: their dataset is built with the sweep"
        )


def show_results(sweep: Sweep, project: Path, by: str) -> None:
    """The table, what it says in words, the files, and the next step."""
    from wrapper.sweep.outcome.ranking import rank
    from wrapper.sweep.outcome.results import write_results
    from wrapper.sweep.outcome.table import table_lines
    from wrapper.sweep.outcome.words import ranking_words

    ranking = rank(sweep, by)
    for line in [*table_lines(ranking, shutil.get_terminal_size((100, 40)).columns), *ranking_words(ranking)]:
        click.echo(line)
    for path in write_results(sweep, ranking):
        click.echo(f"wrote {path}")
    _show_next(ranking, project)


def _show_next(ranking: Ranking, project: Path) -> None:
    from wrapper.sweep.outcome.shown import settings_toml

    sweep, best = ranking.sweep, ranking.best
    if best is None:
        next_step(_without_best(sweep, project))
        return
    statuses = {trial.status() for trial in sweep.trials}
    if statuses - {"succeeded", "failed"}:
        click.echo(f"The best trial so far is {best.id}.")
        under_way = "running" in statuses
        next_step(f"lorawrap sweep show {_named(sweep, project)}" if under_way else _go_on(sweep, project))
        return
    click.echo(f"The best trial is {best.id}. In lorawrap.toml its settings are:")
    click.echo(settings_toml(sweep.settings_of(best.trial)).strip())
    adopted = f"lorawrap sweep adopt {_named(sweep, project)} --trial {best.id}"
    next_step(f"lorawrap export{_in_trial(best.trial, sweep, project)}, or {adopted} to put them there")


def _without_best(sweep: Sweep, project: Path) -> str:
    """What is not done comes first, then what failed; `evaluate` says why nothing was measured."""
    statuses = {trial.status(): trial for trial in sweep.trials}
    if not statuses or set(statuses) - {"succeeded", "failed"}:
        return _go_on(sweep, project)
    if "failed" in statuses:
        return f"{_go_on(sweep, project)} --again failed"
    return f"lorawrap evaluate{_in_trial(statuses['succeeded'], sweep, project)}"


def _go_on(sweep: Sweep, project: Path) -> str:
    return f"lorawrap sweep run {_named(sweep, project)}"


def _named(sweep: Sweep, project: Path) -> str:
    return f"{shlex.quote(sweep.name)}{in_project(project)}"


def _in_trial(trial: Trial, sweep: Sweep, project: Path) -> str:
    return in_project(project / trial.folder.relative_to(sweep.project))


def counts(sweep: Sweep) -> str:
    """``2 succeeded, 1 failed``."""
    found = Counter(trial.status() for trial in sweep.trials)
    return ", ".join(f"{count} {status}" for status, count in found.most_common())
