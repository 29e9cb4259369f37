"""A file of another program → its values: which program wrote it, and the dataset file that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from dataset_tools.system.left_by_systems import visible
from wrapper.kohya.imports.trail import Trail
from wrapper.project.load import parse_toml

Program = Literal["train", "dataset", "kohya_ss"]
_FOLDERS = ("train_data_dir", "in_json", "dataset_config")
"""Keys of a training file that say where the photographs are."""


@dataclass(frozen=True)
class Foreign:
    """``train`` is flat: what sd-scripts or kohya_ss reads, sections left out; ``dataset`` is as written."""

    path: Path
    program: Program
    train: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)

    def find(self, text: str) -> Path:
        """A path out of the file: relative to the current folder, or else to the file's."""
        plain = Path(PureWindowsPath(text).as_posix() if "\\" in text else text).expanduser()
        places = [plain] if plain.is_absolute() else [Path.cwd() / plain, self.path.absolute().parent / plain]
        return next((place for place in places if place.exists()), places[0])


def read_foreign(path: Path, dataset_file: Path | None, trail: Trail) -> Foreign:
    """Read ``path`` and the dataset file that it names, or that lies beside it.

    Raises `UserError` for a file that is missing or is none of Kohya's.
    """
    data = read_tables(path)
    if "datasets" in data:
        return Foreign(path, "dataset", {}, _checked(path, data))
    program: Program = "kohya_ss" if path.suffix.lower() == ".json" else "train"
    train = data if program == "kohya_ss" else flatten(data, trail)
    found = Foreign(path, program, train)
    if dataset_file and train.get("dataset_config"):
        trail.drop("dataset_config", train["dataset_config"], "--dataset-config names another")
    place = dataset_file or _dataset_file(found, trail)
    if place is None:
        return found
    return Foreign(path, program, train, _checked(place, read_tables(place)))


def _checked(path: Path, dataset: dict[str, Any]) -> dict[str, Any]:
    """``dataset`` when its tables stand as sd-scripts wants them. Raises `UserError`."""
    datasets = dataset.get("datasets")
    lists = [datasets, *(one.get("subsets", []) for one in datasets)] if _are_tables(datasets) else [None]
    if not all(map(_are_tables, lists)) or not isinstance(dataset.get("general", {}), dict):
        raise UserError(
            f"{path}: is no dataset file.", "It has [[datasets]] with [[datasets.subsets]] in them."
        )
    return dataset


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def read_tables(path: Path) -> dict[str, Any]:
    """A TOML or JSON file's tables."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.", "Give a Kohya TOML, or a kohya_ss JSON preset.")
    if path.suffix.lower() != ".json":
        return parse_toml(path)
    try:
        data = from_json(bounded_text(path, "utf-8-sig"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}.") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: holds no settings.", "A preset of kohya_ss is a JSON object.")
    return data


def flatten(data: Mapping[str, Any], trail: Trail) -> dict[str, Any]:
    """Sections flattened as sd-scripts reads them: one level deep, of two equal keys the later one."""
    flat: dict[str, Any] = {}
    for name, section in data.items():
        for key, value in section.items() if isinstance(section, dict) else [(name, section)]:
            if isinstance(value, dict):
                trail.drop(f"{name}.{key}", value, "sd-scripts reads no tables this deep")
                continue
            if key in flat:
                trail.drop(key, flat[key], f"set again in [{name}], which counts")
            flat[key] = value
    return flat


def _dataset_file(found: Foreign, trail: Trail) -> Path | None:
    named = found.train.get("dataset_config")
    if named:
        path = found.find(str(named))
        if path.is_file():
            trail.put("dataset_config", named, "its own lines below")
            return path
        trail.drop("dataset_config", named, "there is no such file here")
        return None
    if found.program != "train" or any(found.train.get(key) for key in _FOLDERS):
        return None
    beside = [path for path in sorted(visible(found.path.parent.glob("*.toml"))) if _is_dataset_file(path)]
    if len(beside) > 1:
        names = ", ".join(path.name for path in beside)
        raise UserError(
            f"{found.path}: several dataset files lie beside it: {names}.", "Name one with --dataset-config."
        )
    if beside:
        trail.put("(beside it)", beside[0].name, "its own lines below")
    return beside[0] if beside else None


def _is_dataset_file(path: Path) -> bool:
    try:
        return "datasets" in parse_toml(path)
    except UserError:
        return False
