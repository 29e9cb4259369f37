"""Every dataset of a sweep is planned before any is built, and a fault names the trial and its values."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dataset_tools.errors import Problems, UserError
from dataset_tools.files import link_or_copy
from dataset_tools.progress import track
from wrapper.project.layout import ProjectPaths
from wrapper.project.load import Project, load_project
from wrapper.sweep.planning.checking import told
from wrapper.sweep.planning.datasets import is_built, project_folder
from wrapper.sweep.planning.plan import SweepPlan, write_datasets
from wrapper.sweep.trials import Trial

RESULTS = "qc.jsonl"


def check_datasets(plan: SweepPlan, folders: Mapping[str, Path]) -> None:
    """Plan the datasets in ``folders`` (by name) whose pictures have been through QC; nothing is written.

    Raises one `UserError` with all that `lorawrap build` would refuse. Captions by BLIP are left to the
    build: they take too long to be made twice.
    """
    problems, users = Problems(), plan.datasets()
    opened = [(users[name], load_project(folder)) for name, folder in folders.items()]
    found = [(trial, own) for trial, own in opened if _can_be_planned(own)]
    for trial, own in track(found, "Checking datasets") if found else ():
        try:
            _plan(own)
        except UserError as error:
            problems.add(dataset_of_trial(trial), error.message, error.hint)
    count = len(problems.found)
    problems.raise_if_any(f"{count} of {len(folders)} datasets would not be built:" if count > 1 else "")


def check_datasets_elsewhere(plan: SweepPlan) -> None:
    """`check_datasets` of those that are not built, for a dry run: with the QC results that there are."""
    with tempfile.TemporaryDirectory() as place:
        folders = write_datasets(plan, Path(place))
        unbuilt = {}
        for name, folder in zip(plan.datasets(), folders, strict=True):
            own = ProjectPaths(project_folder(plan.sweep.folder, name))
            if not is_built(own):
                _lend_results(plan.project, own, load_project(folder))
                unbuilt[name] = folder
        check_datasets(plan, unbuilt)


@contextmanager
def named_for(trial: Trial) -> Iterator[None]:
    """What is refused in the block is of the dataset that ``trial`` uses."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{dataset_of_trial(trial)}: {error.message}", error.hint) from error


def dataset_of_trial(trial: Trial) -> str:
    """``the dataset of trial 003 (context = 1.5)``: with the values that Kohya has no part in."""
    own = {key: value for key, value in trial.settings.items() if ".kohya." not in key}
    return f"the dataset of trial {trial.id}" + (f" ({told(own)})" if own else "")


def _can_be_planned(own: Project) -> bool:
    there = (own.paths.qc / RESULTS).is_file()
    return there and not is_built(own.paths) and own.settings.captions.source != "blip"


def _plan(own: Project) -> None:
    from wrapper.steps.dataset import plan_dataset

    plan_dataset(own, generate=False)


def _lend_results(parent: Project, own: ProjectPaths, tried: Project) -> None:
    """Give ``tried`` the sweep's own QC results of a start before, else the parent's of the same pictures."""
    from dataset_tools.quality.measured_store import CACHE

    found = own.qc if (own.qc / RESULTS).is_file() else parent.paths.qc
    if not (found / RESULTS).is_file() or (found == parent.paths.qc and not _same_pictures(parent, tried)):
        return
    link_or_copy(found / RESULTS, tried.paths.qc / RESULTS)
    if (found / CACHE).is_file():
        shutil.copyfile(found / CACHE, tried.paths.qc / CACHE)


def _same_pictures(one: Project, other: Project) -> bool:
    """Whether QC of the two says the same."""
    ours, theirs = one.settings, other.settings
    rows = one.path(ours.manifest.path) == other.path(theirs.manifest.path)
    limits = (ours.qc.preset, ours.qc.thresholds) == (theirs.qc.preset, theirs.qc.thresholds)
    return rows and limits and ours.manifest.defaults == theirs.manifest.defaults
