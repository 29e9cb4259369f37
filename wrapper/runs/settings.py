"""The settings of two runs side by side, whatever places they name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wrapper.project.layout import RunPaths

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_RUN_FOLDER = re.compile(r"/runs/(stage_[ab])-\d+(?=[/\"']|$)")
MISSING = "not set"


def placeless(text: str, root: Path) -> str:
    """``text`` without the project's place and the run's number, which say nothing of what is trained."""
    return _RUN_FOLDER.sub(r"/runs/\1", text.replace(root.as_posix(), "."))


def run_settings(run: RunPaths, root: Path) -> dict[str, Any]:
    """Every setting of both files of ``run``, by its key; a subset's by its place in the file."""
    texts = [path.read_text(encoding="utf-8") for path in (run.train_toml, run.dataset_toml)]
    return settings(*texts, root)


def settings(train_toml: str, dataset_toml: str, root: Path) -> dict[str, Any]:
    """As `run_settings`, of two texts. Sections of the training file have no meaning, and are left out."""
    train = tomllib.loads(placeless(train_toml, root))
    flat = {key: value for table in train.values() for key, value in table.items()}
    return {**flat, **dict(_leaves(tomllib.loads(placeless(dataset_toml, root)), ""))}


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
