"""The record of a built dataset: ``dataset.json`` beside the Kohya folders it describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dataset_tools.errors import Problems, UserError
from dataset_tools.files import write_json
from dataset_tools.system.left_by_systems import visible

RECORD_FILE = "dataset.json"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subset(_Record):
    """One Kohya folder. Folders are relative to the dataset's, with ``/``."""

    image_dir: str
    num_repeats: int
    class_tokens: str
    is_reg: bool = False
    mask_dir: str | None = None
    images: int
    bucket: str


class HeldOut(_Record):
    """One image that no stage trains on. ``original`` is the manifest's own path of it."""

    name: str
    image: str
    mask: str | None
    caption: str
    negative: str
    subject: str
    age: str
    view: str
    original: str


class Refused(_Record):
    """One manifest image that was left out, and why."""

    image: str
    reason: str


class BuiltDataset(_Record):
    """What `dataset_tools.building.build.apply` wrote.

    ``balance`` holds per stage ``counts``, ``repeats``, ``images``, ``wanted`` (shares) and ``imbalance``;
    ``key`` is the SHA-256 of everything that the dataset was made of.
    """

    size: int
    shape: Literal["square", "bucket"] = "square"
    stages: dict[str, list[Subset]]
    holdout: list[HeldOut]
    refused: list[Refused]
    balance: dict[str, dict[str, Any]]
    key: str


def read_dataset(folder: Path) -> BuiltDataset:
    """The record in ``folder``. Raises `UserError` when there is none or it is not a whole record."""
    path = folder / RECORD_FILE
    if not path.is_file():
        raise UserError(f"{folder}: no dataset has been built here.", "Run 'lorawrap build' first.")
    try:
        return BuiltDataset.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(
            f"{path}: not a dataset record ({error.error_count()} faults, first: {_first(error)}).",
            "Remove it and run 'lorawrap build' again.",
        ) from error


def write_dataset(folder: Path, built: BuiltDataset) -> None:
    """Write ``built`` as ``dataset.json`` in ``folder``."""
    write_json(folder / RECORD_FILE, built.model_dump(mode="json"))


def check_files(built: BuiltDataset, folder: Path, stage: str) -> None:
    """Raise one `UserError` that names every folder of ``stage`` that lost images, captions or masks."""
    problems = Problems()
    for subset in built.stages.get(stage, ()):
        kinds = {"images": (subset.image_dir, ".png"), "captions": (subset.image_dir, ".txt")}
        if subset.mask_dir:
            kinds["masks"] = (subset.mask_dir, ".png")
        for kind, (where, end) in kinds.items():
            found = sum(1 for _ in visible((folder / where).glob(f"*{end}")))
            if found < subset.images:
                problems.add(folder / where, f"{found} {kind}, but {subset.images} were built.")
    problems.raise_if_any(hint="Run 'lorawrap build': it writes what is missing.")


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
