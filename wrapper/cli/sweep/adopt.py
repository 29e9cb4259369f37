"""``lorawrap sweep adopt``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import in_project, next_step, open_project
from wrapper.cli.sweep_options import name_and_project

if TYPE_CHECKING:
    from wrapper.sweep.trials import Sweep, Trial


@click.command("adopt")
@name_and_project
@click.option("--trial", "number", metavar="ID", help="The trial whose settings they are.  [the best]")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
def command(name: str, project: Path, number: str | None, dry_run: bool) -> None:
    """Make the settings of the best trial of the sweep NAME the project's, in its lorawrap.toml.

    Its comments and its order stay, and the file as it was is kept beside it.
    """
    from wrapper.sweep.adopting import adopt, plan_adoption
    from wrapper.sweep.sweep_file import read_sweep, sweep_folder

    opened = open_project(project, ())
    sweep, kept = read_sweep(sweep_folder(opened.paths.root, name))
    choose_by = open_project(project, tuple(kept.overrides)).settings.evaluate.choose_by
    trial = _named(sweep, number) if number else _best(sweep, choose_by)
    adoption = plan_adoption(opened.paths.file, sweep, trial)
    click.echo(f"{adoption.file}: the settings of trial {trial.id} of the sweep '{sweep.name}'")
    for key, value in adoption.after.items():
        click.echo(f"  {key}: {_shown(adoption.before[key])} → {_shown(value)}")
    if not adoption.after:
        click.echo("It has them already: nothing was written.")
    elif dry_run:
        click.echo("Nothing was written: this was a dry run.")
        next_step("the same command without --dry-run")
        return
    else:
        click.echo(f"wrote {adoption.file}; what it was is in {adopt(adoption, sweep.name)}")
    exported = f"lorawrap export{in_project(project / trial.folder.relative_to(sweep.project))}"
    next_step(f"lorawrap run{in_project(project)}, or {exported} for the LoRA that is trained already")


def _named(sweep: Sweep, number: str) -> Trial:
    from dataset_tools.errors import UserError, did_you_mean

    ids = [trial.id for trial in sweep.trials]
    found = next((trial for trial in sweep.trials if trial.id.lstrip("0") == number.lstrip("0")), None)
    if found is None:
        hint = did_you_mean(number, ids) or "`lorawrap sweep show` lists them."
        raise UserError(f"{sweep.folder}: there is no trial {number}.", hint)
    return found


def _best(sweep: Sweep, choose_by: str) -> Trial:
    from dataset_tools.errors import UserError
    from wrapper.sweep.outcome.ranking import rank
    from wrapper.sweep.outcome.words import NOTHING

    best = rank(sweep, choose_by).best
    if best is None:
        raise UserError(
            f"{sweep.folder}: {NOTHING}", "--trial ID takes the settings of a trial by its number."
        )
    return best.trial


def _shown(value: Any) -> str:
    from wrapper.sweep.outcome.shown import value_words

    return value_words(value)
