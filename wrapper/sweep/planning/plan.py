"""What a sweep would do, as data: its trials, old and new, and the project files that it would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataset_tools.building.dataset import RECORD_FILE
from dataset_tools.errors import UserError
from dataset_tools.files import write_text
from wrapper.launch.stages import stages_of
from wrapper.project.layout import PROJECT_FILE
from wrapper.project.load import Project, lay_over, leaves, merge, parse_override, parse_toml, validate
from wrapper.project.schema import ProjectFile
from wrapper.records import read_json
from wrapper.sweep.planning.asked import check_asked
from wrapper.sweep.planning.combining import combine, identity
from wrapper.sweep.planning.datasets import dataset_of, project_folder
from wrapper.sweep.planning.grids import Axis
from wrapper.sweep.planning.lists import Row
from wrapper.sweep.planning.notes import notes_of
from wrapper.sweep.planning.starting import start_hash, start_override
from wrapper.sweep.planning.trial_file import project_text
from wrapper.sweep.sweep_file import (
    SWEEP_FILE,
    Kept,
    keys_of,
    read_sweep,
    refuse_orphans,
    sweep_folder,
    trial_folder,
    write_sweep,
)
from wrapper.sweep.trials import Sweep, Trial

UNTOLD = ("export.",)
"""Settings of the project that may change while a sweep is under way: no trial depends on them."""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for. No rows and no axes: go on with what the sweep has."""

    name: str
    stage: str | None = None
    rows: Sequence[Row] = ()
    axes: Sequence[Axis] = ()
    overrides: Sequence[str] = ()
    most: int = 0
    seed: int = 0

    @property
    def is_more(self) -> bool:
        return bool(self.rows or self.axes)


@dataclass(frozen=True)
class SweepPlan:
    """``project`` is what its file says; ``settings`` and ``data``, as tables, are with --set over it.

    ``new`` are the ids of the trials that were not there before; ``notes`` are for people.
    """

    project: Project
    settings: ProjectFile
    data: Mapping[str, Any]
    sweep: Sweep
    overrides: Sequence[str]
    new: frozenset[str]
    notes: list[str] = field(default_factory=list)

    def datasets(self) -> dict[str, Trial]:
        """The datasets that only the sweep has, each with the first trial that uses it."""
        found: dict[str, Trial] = {}
        for one in self.sweep.trials:
            if one.dataset:
                found.setdefault(one.dataset, one)
        return found

    @property
    def needs_parents(self) -> bool:
        """Whether a trial uses the project's own dataset."""
        return any(not one.dataset for one in self.sweep.trials)


def laid_over(data: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with the values of ``settings``, by their whole names."""
    found = dict(data)
    for key, value in settings.items():
        lay_over(found, key.split("."), value)
    return found


def plan_sweep(project: Project, asked: Asked) -> SweepPlan:
    """Everything is checked that needs no dataset. Raises one `UserError` with all that is wrong.

    A sweep that is there gets the new trials; it is refused where the project's settings are others now.
    """
    folder = sweep_folder(project.paths.root, asked.name)
    kept = read_sweep(folder).kept if (folder / SWEEP_FILE).is_file() else None
    if kept is None and not asked.is_more:
        hint = "For example --grid stage_a.kohya.learning_rate=1e-5,1e-4. `lorawrap sweep list` shows others."
        raise UserError(f"{folder}: there is no such sweep, and no --grid and no --list to begin one.", hint)
    if kept is None:
        refuse_orphans(folder)
    overrides = list(asked.overrides) or (kept.overrides if kept else [])
    data, _ = merge(parse_toml(project.paths.file), overrides)
    settings = validate(data, {})
    stages = _stages(kept, asked, settings)
    start = start_override(project, settings, stages, _swept(kept, asked))
    if start:
        data, _ = merge(parse_toml(project.paths.file), [*overrides, *start])
        settings = validate(data, {})
    if kept:
        _refuse_changed(project, folder, kept, settings, stages)
    check_asked(data, asked.rows, asked.axes)
    combined = combine(asked.rows, asked.axes, asked.most, asked.seed) if asked.is_more else None
    trials, new = _trials(folder, kept, combined.trials if combined else [], data, project.settings)
    keys, shared = keys_of([one.settings for one in trials]), dict(map(parse_override, overrides))
    sweep = Sweep(asked.name, folder, project.paths.root, stages, keys, trials, shared)
    plan = SweepPlan(project, settings, data, sweep, overrides, frozenset(new))
    plan.notes.extend(notes_of(plan.sweep, settings, start, combined.equal if combined else 0))
    return plan


def _swept(kept: Kept | None, asked: Asked) -> set[str]:
    given = {key for axis in asked.axes for key in axis.keys} | {
        key for row in asked.rows for key in row.settings
    }
    return given | set(kept.keys if kept else ())


def write_datasets(plan: SweepPlan, place: Path) -> list[Path]:
    """Write the project of each dataset that only the sweep has below ``place``; return their folders."""
    folders = []
    for name, trial in plan.datasets().items():
        folders.append(project_folder(place, name))
        _write(plan, f"Dataset {name} of the sweep '{plan.sweep.name}'.", trial, folders[-1], None)
    return folders


def write_trials(plan: SweepPlan, place: Path, trials: Sequence[Trial]) -> list[Path]:
    """Write the projects of ``trials`` below ``place``, the sweep's own folder or another; return them.

    They use the sweep's datasets, or those below ``place`` where the sweep's are not there yet.
    """
    folders = []
    for trial in trials:
        folders.append(trial_folder(place, trial.id))
        title = f"Trial {trial.id} of the sweep '{plan.sweep.name}'."
        _write(plan, title, trial, folders[-1], _owner(plan, place, trial))
    return folders


def _owner(plan: SweepPlan, place: Path, trial: Trial) -> Path:
    if not trial.dataset:
        return plan.project.paths.owner
    own = project_folder(plan.sweep.folder, trial.dataset)
    return own if (own / PROJECT_FILE).is_file() else project_folder(place, trial.dataset)


def keep(plan: SweepPlan) -> None:
    """Write the trials' files, then ``sweep.json``."""
    write_trials(plan, plan.sweep.folder, plan.sweep.trials)
    kept = {
        "overrides": list(plan.overrides),
        "project": told_settings(plan.settings),
        "dataset": _dataset_key(plan.project),
        "start": start_hash(plan.project, plan.settings, plan.sweep.stages),
    }
    write_sweep(plan.sweep, kept)


def told_settings(settings: ProjectFile) -> dict[str, Any]:
    """The settings that the trials have from the project, by their whole names."""
    found = dict(leaves(settings.model_dump(mode="json", exclude_defaults=True)))
    return {key: value for key, value in found.items() if not key.startswith(UNTOLD)}


def _write(plan: SweepPlan, title: str, trial: Trial, folder: Path, of: Path | None) -> None:
    text = project_text(title, laid_over(plan.data, trial.settings), plan.project, folder, of)
    path = folder / PROJECT_FILE
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def _stages(kept: Kept | None, asked: Asked, settings: ProjectFile) -> list[str]:
    if kept and asked.stage is None:
        return kept.stages
    return stages_of(settings, asked.stage or "all")


def _refuse_changed(
    project: Project, folder: Path, kept: Kept, settings: ProjectFile, stages: Sequence[str]
) -> None:
    """The trials of one sweep differ in what was swept, and in nothing else."""
    now = told_settings(settings)
    keys = [*kept.project, *(key for key in now if key not in kept.project)]
    changed = [
        f"  {key}: {kept.project.get(key, 'not set')!r} → {now.get(key, 'not set')!r}"
        for key in keys
        if kept.project.get(key) != now.get(key)
    ]
    if list(stages) != kept.stages:
        changed.append(f"  stages: {', '.join(kept.stages)} → {', '.join(stages)}")
    if _is_another_dataset(project, kept):
        changed.append("  its dataset was built anew, and is another")
    if kept.start and kept.start != start_hash(project, settings, stages):
        changed.append("  the LoRA that Stage B goes on with was trained anew, and is another")
    if changed:
        lines = [f"{folder}: the project is another than when the sweep was begun:", *changed]
        raise UserError("\n".join(lines), "Give the new sweep another name, or set them back.")


def _is_another_dataset(project: Project, kept: Kept) -> bool:
    used = any(not trial.dataset for trial in kept.trials)
    return used and bool(key := _dataset_key(project)) and key != kept.dataset


def _dataset_key(project: Project) -> str:
    """What the project's dataset was made of; empty while there is none."""
    return str((read_json(project.paths.dataset / RECORD_FILE) or {}).get("key", ""))


def _trials(
    folder: Path,
    kept: Kept | None,
    wanted: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
    parent: ProjectFile,
) -> tuple[list[Trial], list[str]]:
    """Those that are there keep their numbers; what is new comes behind them."""
    trials = [
        Trial(one.id, trial_folder(folder, one.id), one.settings, one.dataset)
        for one in (kept.trials if kept else [])
    ]
    known = {identity(one.settings) for one in trials}
    first = max((int(one.id) for one in trials), default=0) + 1
    new = []
    for settings in wanted:
        if identity(settings) in known:
            continue
        number = f"{first + len(new):03d}"
        dataset = dataset_of(parent, validate(laid_over(data, settings), {}), settings)
        trials.append(Trial(number, trial_folder(folder, number), dict(settings), dataset))
        new.append(number)
    return trials, new
