"""The datasets that a sweep needs, built before its first trial."""

from __future__ import annotations

import shlex

import click

from dataset_tools.building.dataset import read_dataset
from dataset_tools.errors import UserError
from wrapper.project.load import Project, load_project
from wrapper.project.lock import held_in
from wrapper.steps.job import prepare_data
from wrapper.sweep.planning.datasets import is_built, prepare
from wrapper.sweep.planning.plan import SweepPlan, write_datasets


def prepare_datasets(plan: SweepPlan, command: str) -> None:
    """Build what is not there: the project's own dataset, then those that only the sweep has.

    Raises `UserError` where the project's own is not what its settings say, and settings of datasets are
    swept: its trials would be of other data than they claim.
    """
    project = plan.project
    if plan.needs_parents:
        if not is_built(project.paths):
            _build_parents(project, command)
        elif plan.datasets():
            _refuse_stale(project, command)
    for folder in write_datasets(plan, plan.sweep.folder):
        own = load_project(folder)
        click.echo(f"Dataset {folder.name}:")
        with held_in(own.paths, command, writes=["qc", "dataset"]):
            prepare(own, project.paths)


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
