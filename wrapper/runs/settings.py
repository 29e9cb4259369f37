"""The settings of two runs side by side, whatever places they name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_toml
from dataset_tools.errors import UserError
from wrapper.project.layout import RunPaths

_RUN_FOLDER = re.compile(r"/runs/(stage_[ab])-\d+(?=[/\"']|$)")
MISSING = "not set"


def placeless(text: str, *roots: Path) -> str:
    """``text`` without the project's places and the run's number, which say nothing of what is trained."""
    for root in map(Path.as_posix, roots):
        for written in (root, json.dumps(root, ensure_ascii=False)[1:-1]):
            text = text.replace(written, ".")
    return _RUN_FOLDER.sub(r"/runs/\1", text)


def run_settings(run: RunPaths, *roots: Path) -> dict[str, Any]:
    """Every setting of both files of ``run``, by its key; a subset's by its place in the file."""
    try:
        return settings(bounded_text(run.train_toml), bounded_text(run.dataset_toml), *roots)
    except (ValueError, AttributeError) as error:
        raise UserError(f"{run.folder}: its settings cannot be read ({error}).") from error


def settings(train_toml: str, dataset_toml: str, *roots: Path) -> dict[str, Any]:
    """As `run_settings`, of two texts. Sections of the training file have no meaning, and are left out."""
    train = from_toml(placeless(train_toml, *roots))
    flat = {key: value for table in train.values() for key, value in table.items()}
    return {**flat, **dict(_leaves(from_toml(placeless(dataset_toml, *roots)), ""))}


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """``(key, value in one, value in the other)`` wherever they differ; `MISSING` for what is not set."""
    keys = [*one, *(key for key in other if key not in one)]
    pairs = [(key, one.get(key, MISSING), other.get(key, MISSING)) for key in keys]
    return [(key, left, right) for key, left, right in pairs if left != right]


def _leaves(data: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """``{"datasets": [{"batch_size": 2}]}`` → ``("datasets.1.batch_size", 2)``."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(data, list) and data and all(isinstance(item, Mapping) for item in data):
        for number, item in enumerate(data, start=1):
            yield from _leaves(item, f"{prefix}.{number}")
    else:
        yield prefix, data
