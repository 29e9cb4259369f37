"""``sweep.json``: what a sweep was begun with, and its trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from dataset_tools.errors import UserError, did_you_mean
from dataset_tools.files import write_json
from wrapper.project.load import parse_override, validate
from wrapper.records import read_json
from wrapper.sweep.trials import SWEEP_FILE, TRIAL_FILE, TRIALS, Sweep, Trial

SWEEPS = "sweeps"
"""Below the project's folder."""
_ANOTHER = "Begin a sweep with another name; the trials of this one stay as they are."


class _Trial(BaseModel):
    id: str
    settings: dict[str, Any]
    dataset: str = ""


class Kept(BaseModel):
    """The file. ``project`` are the project's settings by their names, with ``overrides`` over them.

    ``dataset`` is the key of the project's dataset when the sweep was begun, ``start`` the SHA-256 of the
    LoRA that Stage B goes on with, where it is swept alone.
    """

    stages: list[str]
    keys: list[str]
    overrides: list[str] = []
    project: dict[str, Any] = {}
    dataset: str = ""
    start: str = ""
    trials: list[_Trial]


class Found(NamedTuple):
    """A sweep that is on the disk, and what it was begun with."""

    sweep: Sweep
    kept: Kept


def sweep_folder(project: Path, name: str) -> Path:
    """``sweeps/<name>``. Raises `UserError` for a name that no folder can have."""
    validate({"project": {"name": name}}, {"project.name": "NAME"})
    return project / SWEEPS / name


def trial_folder(sweep: Path, trial: str) -> Path:
    return sweep / TRIALS / trial


def write_sweep(sweep: Sweep, kept: Mapping[str, Any]) -> None:
    """Write ``sweep.json``; ``kept`` are the fields of `Kept` beside the trials."""
    told = [{"id": one.id, "settings": dict(one.settings), "dataset": one.dataset} for one in sweep.trials]
    data = {"name": sweep.name, "stages": list(sweep.stages), "keys": list(sweep.keys), **kept}
    write_json(sweep.folder / SWEEP_FILE, {**data, "trials": told})


def read_sweep(folder: Path) -> Found:
    """The sweep in ``folder``. Raises `UserError` where there is none, or its record is broken."""
    path = folder / SWEEP_FILE
    try:
        data = read_json(path)
    except UserError:
        raise UserError(f"{path}: is no sweep's record (not a JSON object).", _ANOTHER) from None
    if data is None:
        names = sweep_names(folder.parent.parent)
        hint = did_you_mean(folder.name, names) or "`lorawrap sweep list` shows those that there are."
        raise UserError(f"{folder}: there is no sweep here.", hint)
    try:
        kept = Kept.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{path}: is no sweep's record ({where}: {first['msg']})."
        raise UserError(said, _ANOTHER) from None
    trials = [Trial(one.id, trial_folder(folder, one.id), one.settings, one.dataset) for one in kept.trials]
    shared = dict(map(parse_override, kept.overrides))
    return Found(
        Sweep(folder.name, folder, folder.parent.parent, kept.stages, kept.keys, trials, shared), kept
    )


def refuse_orphans(folder: Path) -> None:
    """Raise `UserError` where trials have run whose ``sweep.json`` is gone: new ones would pass for them."""
    if any((folder / TRIALS).glob(f"*/{TRIAL_FILE}")):
        said = f"{folder / TRIALS}: holds trials that have run, of a sweep whose {SWEEP_FILE} is gone."
        raise UserError(said, _ANOTHER)


def sweep_names(project: Path) -> list[str]:
    """The sweeps of the project in ``project``, by name."""
    return sorted(_names(project / SWEEPS))


def _names(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        yield from (path.name for path in folder.iterdir() if (path / SWEEP_FILE).is_file())


def keys_of(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the trials differ in, in the order in which it was said."""
    return list(dict.fromkeys(key for one in settings for key in one))
