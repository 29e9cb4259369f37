"""Where a training takes its images from: a dataset file, ``<repeats>_<token>`` folders, or a metadata file.

Chosen as in ``NetworkTrainer.train`` and ``generate_dreambooth_subsets_config_by_subdirs`` of v0.10.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.kohya.located import Located, read_located, read_located_json, unreadable
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView, list_images, typed

SUFFIXES = (".toml", ".json")
FOLDER_KEYS = ("train_data_dir", "reg_data_dir")


def dataset_path(
    train: Located, values: Mapping[str, Any], given: Path | None, findings: Findings
) -> Path | None:
    """The dataset file that counts: ``given`` on the command line, else that of the training file."""
    named = values.get("dataset_config")
    path = given or (Path(str(named)) if named else None)
    if path is None:
        if named == "":
            findings.error(
                train.where_key("dataset_config"), "'dataset_config' must not be empty.", "Leave it out."
            )
        return None
    where = train.where_key("dataset_config")
    if given and named and Path(str(named)).absolute() != given.absolute():
        findings.warn(where, f"'dataset_config' is not used: {given} is given instead.")
    if not path.name.lower().endswith(SUFFIXES):
        findings.error(where, f"the dataset file {path} is neither .toml nor .json: sd-scripts refuses it.")
    return path


def read_dataset(train: Located, path: Path, findings: Findings) -> Located | None:
    """The dataset file ``path``; None, and an error, where it cannot be read."""
    if not path.is_file():
        where = train.where_key("dataset_config")
        findings.error(where, f"the dataset file {path}: there is no such file.", nearby(train, path))
        return None
    try:
        return read_located_json(path) if path.name.lower().endswith(".json") else read_located(path)
    except UserError as error:
        where, text = unreadable(path, error)
        findings.error(where, text, error.hint)
        return None


def folder_views(train: Located, values: Mapping[str, Any], findings: Findings) -> list[SubsetView]:
    """The subsets that ``train_data_dir`` and ``reg_data_dir``, or ``in_json``, make by themselves."""
    values = typed(values)
    if values.get("in_json"):
        return _metadata_view(train, values, findings)
    views: list[SubsetView] = []
    for key in FOLDER_KEYS:
        if not values.get(key):
            continue
        parent = Path(str(values[key]))
        if not parent.is_dir():
            findings.error(
                train.where_key(key), f"'{key}': there is no folder {parent}.", nearby(train, parent)
            )
            continue
        found = list(_numbered(train, values, key, parent))
        _check_ignored(train, key, parent, findings)
        if not found:
            text = f"'{key}': {parent} has no folder named <repeats>_<token>, so nothing is trained."
            hint = "Name the parent of such folders." if list_images(parent) else ""
            findings.error(train.where_key(key), text, hint)
        views += found
    if not values.get("train_data_dir"):
        text = "there are no images: neither dataset_config nor train_data_dir is given."
        findings.error(train.where(), text, "Give --dataset-config, or set one of them.")
    return views


def nearby(file: Located, path: Path) -> str:
    """A hint where a relative path would be right from the folder of the file that names it."""
    if path.is_absolute() or not (file.path.parent / path).exists():
        return ""
    return f"Paths are relative to the folder that you start in: it lies in {file.path.parent}."


def repeats_of(name: str) -> int:
    """``10_myface woman`` → 10; 0 for a folder that sd-scripts ignores."""
    try:
        return max(int(name.split("_")[0]), 0)
    except ValueError:
        return 0


def _numbered(train: Located, values: Mapping[str, Any], key: str, parent: Path) -> Iterator[SubsetView]:
    """In the order in which the folder lists them, as sd-scripts takes them."""
    for folder in parent.iterdir():
        if folder.is_dir() and (repeats := repeats_of(folder.name)):
            own = {
                "image_dir": str(folder),
                "num_repeats": repeats,
                "is_reg": key == "reg_data_dir",
                "class_tokens": folder.name.partition("_")[2],
            }
            yield SubsetView(train, "", 0, (own, {}, {}, values), origin=key)


def _check_ignored(train: Located, key: str, parent: Path, findings: Findings) -> None:
    where = train.where_key(key)
    for folder in sorted(parent.iterdir()):
        if folder.name[0] != "." and not repeats_of(folder.name) and list_images(folder):
            text = f"'{key}': the folder {folder.name!r} is ignored: its name does not begin with a number"
            findings.error(where, f"{text} of repeats.", "Name it <repeats>_<token>, or move it elsewhere.")
    if loose := list_images(parent):
        text = f"'{key}': {len(loose)} images that lie in {parent} itself are ignored, as {loose[0].name}."
        findings.error(where, text, "Only those in its <repeats>_<token> folders are read.")


def _metadata_view(train: Located, values: Mapping[str, Any], findings: Findings) -> list[SubsetView]:
    if not values.get("train_data_dir"):
        findings.error(train.where_key("in_json"), "'in_json' needs 'train_data_dir'.")
        return []
    own = {"image_dir": str(values["train_data_dir"]), "metadata_file": str(values["in_json"])}
    return [SubsetView(train, "", 0, (own, {}, {}, values), "metadata", "in_json")]
