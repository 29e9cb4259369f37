"""Every trial is rendered and checked before any is trained: what `lorawrap check` refuses is found here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dataset_tools.errors import Problems, UserError
from dataset_tools.progress import track
from wrapper.kohya.checks.decode import each_decoded_once
from wrapper.launch.plan import Plan, Wish, plan_new
from wrapper.launch.processes import Device
from wrapper.project.load import load_project
from wrapper.sweep.planning.datasets import is_built
from wrapper.sweep.planning.plan import SweepPlan, write_datasets, write_trials
from wrapper.sweep.trials import Trial
from wrapper.toml_text import to_toml

Steps = dict[str, dict[str, int]]
"""By trial, the planned steps of each stage."""


def check_trials(plan: SweepPlan, trials: Sequence[Trial], device: Device | None) -> Steps:
    """The steps of each of ``trials`` whose dataset is built. Raises one `UserError` for all that is wrong.

    ``device`` is where the trials will run, None for this machine. Nothing is written: the trials' files are
    tried out elsewhere.
    """
    steps: Steps = {}
    problems = Problems()
    with _elsewhere(plan, trials) as folders, each_decoded_once():
        for trial, folder in track(list(zip(trials, folders, strict=True)), "Checking trials"):
            try:
                steps[trial.id] = _steps(folder, plan.sweep.stages, device)
            except UserError as error:
                said = error.message.replace(str(folder), str(trial.folder))
                problems.add(f"trial {trial.id} ({told(trial.settings)})", said, error.hint)
    count = len(problems.found)
    problems.raise_if_any(f"{count} of {len(trials)} trials would not train:" if count else "")
    return steps


def told(settings: Mapping[str, object]) -> str:
    """``network_dim = 8, learning_rate = 0.0001``: the last part of each name is enough."""
    return ", ".join(f"{key.rpartition('.')[2]} = {to_toml(value)}" for key, value in settings.items())


def _steps(folder: Path, stages: Sequence[str], device: Device | None) -> dict[str, int]:
    project = load_project(folder)
    if not is_built(project.paths):
        return {}
    wish, plans = Wish(device=device), {}
    for stage in stages:
        plans[stage] = plan_new(project, stage, wish, models=not plans, dry=True)
    _check_ranks(plans)
    return {stage: plan.steps for stage, plan in plans.items()}


def _check_ranks(plans: Mapping[str, Plan]) -> None:
    """Stage B goes on with Stage A's LoRA, which is not there yet to be looked at."""
    values = [plan.report.values for plan in plans.values()]
    if len(values) < 2 or values[1].get("dim_from_weights") or not values[1].get("network_weights"):
        return
    first, second = (found.get("network_dim") for found in values)
    if first != second:
        key = "stage_a.kohya.network_dim+stage_b.kohya.network_dim"
        said = f"stage_b has network_dim = {second}, but goes on with the LoRA of stage_a, which has {first}."
        raise UserError(said, f"Sweep both as --grid {key}=…, or set stage_b.kohya.dim_from_weights.")


@contextmanager
def _elsewhere(plan: SweepPlan, trials: Sequence[Trial]) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory() as folder:
        write_datasets(plan, Path(folder))
        yield write_trials(plan, Path(folder), trials)
