"""The dataset's TOML: ``[general]``, ``[[datasets]]``, ``[[datasets.subsets]]``, inheriting from above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import Problems, UserError
from wrapper.trainer.config import Settings, read_toml
from wrapper.trainer.option import find_fault, parse_size
from wrapper.trainer.options import DATASET_OPTIONS

_TRAIN_NAMES = {"batch_size": "train_batch_size"}
"""Where the training TOML's name for a default differs."""


@dataclass(frozen=True)
class SubsetConfig:
    """One folder of images."""

    image_dir: Path
    conditioning_data_dir: Path | None
    is_reg: bool
    class_tokens: str | None
    caption_extension: str
    num_repeats: int
    shuffle_caption: bool
    caption_separator: str
    keep_tokens: int
    caption_prefix: str | None
    caption_suffix: str | None
    caption_dropout_rate: float
    caption_dropout_every_n_epochs: int
    caption_tag_dropout_rate: float
    flip_aug: bool
    random_crop: bool


@dataclass(frozen=True)
class DatasetConfig:
    """Subsets that share a resolution (width, height in pixels), a batch size and buckets."""

    resolution: tuple[int, int]
    batch_size: int
    enable_bucket: bool
    min_bucket_reso: int
    max_bucket_reso: int
    bucket_reso_steps: int
    bucket_no_upscale: bool
    subsets: tuple[SubsetConfig, ...]


_SUBSET_KEYS = tuple(SubsetConfig.__dataclass_fields__)
_DATASET_KEYS = tuple(key for key in DatasetConfig.__dataclass_fields__ if key != "subsets")


def read_dataset_config(path: Path, settings: Settings) -> list[DatasetConfig]:
    """The datasets of ``path``. Raises `UserError` that lists every problem at once."""
    problems = Problems()
    tables = read_toml(path)
    for name in tables:
        if name not in ("general", "datasets"):
            problems.add(
                path, f"'{name}' is no table of a dataset config.", "Use [general] and [[datasets]]."
            )
    general = tables.get("general", {})
    _check_table(general, "general", f"{path} [general]", problems)
    datasets = tables.get("datasets", [])
    if not isinstance(datasets, list) or not datasets:
        raise UserError(f"{path}: no [[datasets]] in it.")
    defaults = _defaults(settings)
    read = [
        _dataset(table, {**defaults, **general}, f"{path} [[datasets]] {number}", problems)
        for number, table in enumerate(datasets, 1)
    ]
    problems.raise_if_any()
    return [dataset for dataset in read if dataset]


def _defaults(settings: Settings) -> dict[str, Any]:
    """What the training TOML says, else the option's own default."""
    values = {}
    for name, option in DATASET_OPTIONS.items():
        written = settings.values.get(_TRAIN_NAMES.get(name, name))
        values[name] = option.default if written is None else written
    return values


def _dataset(
    table: Any, inherited: Mapping[str, Any], where: str, problems: Problems
) -> DatasetConfig | None:
    if not isinstance(table, dict):
        problems.add(where, "is no table.")
        return None
    own = {key: value for key, value in table.items() if key != "subsets"}
    _check_table(own, "datasets", where, problems)
    values = {**inherited, **own}
    tables = table.get("subsets", [])
    if not isinstance(tables, list) or not tables:
        problems.add(where, "has no [[datasets.subsets]].")
        return None
    subsets = [
        _subset(subset, values, f"{where} [[subsets]] {number}", problems)
        for number, subset in enumerate(tables, 1)
    ]
    resolution = _resolution(values, where, problems)
    if resolution is None or None in subsets:
        return None
    plain = {key: values[key] for key in _DATASET_KEYS if key != "resolution"}
    return DatasetConfig(resolution=resolution, **plain, subsets=tuple(filter(None, subsets)))


def _resolution(values: Mapping[str, Any], where: str, problems: Problems) -> tuple[int, int] | None:
    size = parse_size(values["resolution"])
    if size is None:
        problems.add(where, "'resolution' is missing.")
        return None
    if values["enable_bucket"] and not values["bucket_no_upscale"]:
        step = values["bucket_reso_steps"]
        if min(size) < values["min_bucket_reso"] - values["min_bucket_reso"] % step:
            problems.add(where, f"'min_bucket_reso' is over the resolution {size[0]}x{size[1]}.")
        if max(size) > values["max_bucket_reso"] + -values["max_bucket_reso"] % step:
            problems.add(where, f"'max_bucket_reso' is under the resolution {size[0]}x{size[1]}.")
    return size


def _subset(table: Any, inherited: Mapping[str, Any], where: str, problems: Problems) -> SubsetConfig | None:
    if not isinstance(table, dict):
        problems.add(where, "is no table.")
        return None
    _check_table(table, "subsets", where, problems)
    values = {**inherited, **table}
    if not values["image_dir"]:
        problems.add(where, "'image_dir' is missing.")
        return None
    folders = {
        key: Path(values[key]) if values[key] else None for key in ("image_dir", "conditioning_data_dir")
    }
    return SubsetConfig(**{key: values[key] for key in _SUBSET_KEYS if key not in folders}, **folders)


def _check_table(table: Any, level: str, where: str, problems: Problems) -> None:
    for name, value in table.items():
        option = DATASET_OPTIONS.get(name)
        if option is not None and level not in option.levels:
            problems.add(where, f"'{name}' belongs into [[{option.levels[-1]}]].")
            continue
        fault = find_fault(name, value, DATASET_OPTIONS)
        if fault:
            problems.add(where, *fault)
