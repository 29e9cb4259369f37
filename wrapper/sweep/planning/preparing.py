"""The datasets that a sweep needs, built before its first trial."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from wrapper.project.layout import ProjectPaths
from wrapper.project.load import Project, load_project
from wrapper.project.lock import held_in
from wrapper.steps.job import prepare_data, prepare_qc
from wrapper.sweep.planning.checking_data import check_datasets, named_for
from wrapper.sweep.planning.datasets import is_built, take_answers, take_over
from wrapper.sweep.planning.plan import SweepPlan, write_datasets
from wrapper.sweep.trials import Trial


def prepare_datasets(plan: SweepPlan, command: str) -> None:
    """Build what is not there: the project's own dataset, then those that only the sweep has.

    Raises `UserError` where the project's own is not what its settings say, and settings of datasets are
    swept: its trials would be of other data than they claim. All are planned before the first is built.
    """
    project = plan.project
    if plan.needs_parents:
        if not is_built(project.paths):
            _build_parents(project, command)
        elif plan.datasets():
            _refuse_stale(project, command)
    folders = dict(zip(plan.datasets(), write_datasets(plan, plan.sweep.folder), strict=True))
    own = {name: (trial, load_project(folders[name])) for name, trial in plan.datasets().items()}
    unbuilt = [(trial, one) for trial, one in own.values() if not is_built(one.paths)]
    seen = [project.paths]
    for trial, one in unbuilt:
        _inspect(trial, one, seen, command)
        seen.append(one.paths)
    check_datasets(plan, folders)
    for trial, one in own.values():
        _build(trial, one, seen, command)


def _inspect(trial: Trial, own: Project, others: Sequence[ProjectPaths], command: str) -> None:
    """QC of one of them; what was measured of the pictures for ``others`` is not measured again."""
    click.echo(f"Pictures of the dataset {own.paths.root.name}:")
    with named_for(trial), held_in(own.paths, command, writes=["qc", "dataset"]):
        take_over(own.paths, others)
        prepare_qc(own)


def _build(trial: Trial, own: Project, others: Sequence[ProjectPaths], command: str) -> None:
    click.echo(f"Dataset {own.paths.root.name}:")
    with named_for(trial), held_in(own.paths, command, writes=["qc", "dataset"]):
        take_answers(own.paths, others)
        prepare_data(own)


def _build_parents(project: Project, command: str) -> None:
    if project.paths.lender:
        read_dataset(project.paths.dataset)
    with held_in(project.paths, command, writes=["qc", "dataset"]):
        prepare_data(project)


def _refuse_stale(project: Project, command: str) -> None:
    from dataset_tools.building.build import up_to_date
    from wrapper.steps.dataset import plan_dataset

    with held_in(project.paths, command, reads=["qc", "dataset"]):
        current = up_to_date(plan_dataset(project), project.paths.dataset)
    if not current:
        where = shlex.quote(str(project.paths.owner))
        raise UserError(
            f"{project.paths.dataset}: is not what the settings of the project say now.",
            f"lorawrap qc --project {where}, then lorawrap build --project {where}",
        )
