"""The options of a training script: what sd-scripts knows (recorded), what the embedded trainer honours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from wrapper.sd_scripts.installed import tables_folder
from wrapper.trainer.option import Option
from wrapper.trainer.options import EXTENSIONS, TRAIN_OPTIONS

TABLES = ("general", "datasets", "subsets")
"""The tables of a dataset config, from the outermost in."""
_RECORDED_AS = {"train_network_inpaint": "sdxl_train_network"}
AS_TEXT = ("resolution", "face_crop_aug_range")
"""What is text in a training file and numbers in a dataset file."""
RENAMED = {"batch_size": "train_batch_size", "num_repeats": "dataset_repeats"}
"""What a dataset's key is called in a training file."""
_OWN = {"sdxl": Option("sdxl", "bool", False), "sd_scripts": Option("sd_scripts", "str")}
"""What only our inpaint script for sd-scripts takes."""
_LISTS = {"str": "strs", "float": "floats"}
_PARSED = {"parsed:Path": "str", "parsed:int_or_float": "float"}


def upstream_options(script: str) -> Mapping[str, Option]:
    """sd-scripts' own options of ``script``; the inpaint script has those of train_network and extensions."""
    return _upstream_options(script, tables_folder())


@cache
def _upstream_options(script: str, _tables: Path) -> Mapping[str, Option]:
    recorded = _recorded(_RECORDED_AS.get(script, script))
    options = {name: _option(name, facts) for name, facts in recorded.items()}
    if script in _RECORDED_AS:
        options |= {name: TRAIN_OPTIONS[name] for name in EXTENSIONS} | _OWN
    return options


def known_options(script: str) -> Mapping[str, Option]:
    """Every option that either engine knows; sd-scripts' own description comes first."""
    return {**TRAIN_OPTIONS, **upstream_options(script)}


def dataset_names(table: str) -> frozenset[str]:
    """Every key that sd-scripts allows in ``[general]``, ``[[datasets]]`` or ``[[datasets.subsets]]``."""
    return _dataset_names(table, tables_folder())


@cache
def _dataset_names(table: str, _tables: Path) -> frozenset[str]:
    return frozenset(name for flavour in ("plain", "masks", "metadata") for name in _schema(table, flavour))


def upstream_dataset_fault(table: str, name: str, value: Any, flavour: str = "plain") -> str:
    """What sd-scripts' own schema says against ``name = value``; an empty string for nothing.

    ``flavour`` is that of the dataset (`dataset_tables.Flavour`): with masks or a metadata file in every
    subset another schema applies, which has other keys.
    """
    facts = _schema(table, flavour).get(name)
    if facts is None:
        beside = {"masks": "conditioning_data_dir", "metadata": "metadata_file"}.get(flavour)
        return f"may not stand beside {beside}" if beside else "is not known here"
    if any(_SCHEMA_TYPES[kind][1](value) for kind in facts["types"]):
        return ""
    return f"must be {' or '.join(_SCHEMA_TYPES[kind][0] for kind in facts['types'])}, not {value!r}"


def required_dataset_keys(table: str, flavour: str) -> list[str]:
    return [name for name, facts in _schema(table, flavour).items() if facts["required"]]


def general_fault(name: str, value: Any) -> str:
    """What the dataset schema says against an option of a training file; nothing of those that it lacks.

    sd-scripts holds options that a dataset file may have too against it (``sanitize_argparse_namespace``).
    """
    inner = {outer: key for key, outer in RENAMED.items()}.get(name, name)
    return upstream_dataset_fault("general", inner, value) if inner in _schema("general", "plain") else ""


def _schema(table: str, flavour: str) -> dict[str, Any]:
    recorded = _recorded("dataset_config")
    return dict(recorded.get(f"{table} with {flavour}", recorded[table]))


def _recorded(name: str) -> dict[str, Any]:
    return _read(tables_folder() / f"{name}.json")


@cache
def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _option(name: str, facts: Mapping[str, Any]) -> Option:
    kind = _PARSED.get(facts["type"], facts["type"])
    if facts["list"]:
        kind = _LISTS[kind]
    choices = tuple(choice for choice in facts["choices"] or () if choice is not None)
    minimum, maximum = RANGES.get(name, (None, None))
    return Option(name, kind, facts["default"], choices=choices, minimum=minimum, maximum=maximum)


RANGES: dict[str, tuple[float | None, float | None]] = {
    **{
        name: (1, None)
        for name in (
            "max_train_steps",
            "max_train_epochs",
            "train_batch_size",
            "gradient_accumulation_steps",
            "network_dim",
            "vae_batch_size",
            "save_every_n_epochs",
            "save_every_n_steps",
            "save_last_n_epochs",
            "clip_skip",
            "validate_every_n_steps",
            "validate_every_n_epochs",
        )
    },
    **{
        name: (0, None)
        for name in (
            "learning_rate",
            "unet_lr",
            "text_encoder_lr",
            "lr_warmup_steps",
            "max_grad_norm",
            "prior_loss_weight",
            "min_snr_gamma",
            "max_data_loader_n_workers",
        )
    },
    **{name: (0, 1) for name in ("network_dropout", "caption_dropout_rate", "caption_tag_dropout_rate")},
    "lr_scheduler_power": (0, None),
    "lr_scheduler_timescale": (1, None),
    "batch_size": (1, None),
    "validation_split": (0, 1),
    "min_timestep": (0, 999),
    "max_timestep": (1, 1000),
    "seed": (0, 2**32 - 1),
}
"""Lowest and highest values that make sense; sd-scripts itself checks none of them."""


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_pair(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) == 2 and all(map(test, value))


_SCHEMA_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "int": ("a whole number", _is_int),
    "float": ("a number with a point", lambda value: isinstance(value, float)),
    "str": ("a string", lambda value: isinstance(value, str)),
    "dict": ("a table", lambda value: isinstance(value, dict)),
    "pair of int": ("a list of two whole numbers", _is_pair(_is_int)),
    "pair of float": ("a list of two numbers with a point", _is_pair(lambda item: isinstance(item, float))),
}
