"""Keys and values of both files, each against the tables of options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from dataset_tools.errors import did_you_mean
from wrapper.kohya.located import Located
from wrapper.kohya.options import (
    TABLES,
    dataset_names,
    known_options,
    required_dataset_keys,
    upstream_dataset_fault,
    upstream_options,
)
from wrapper.kohya.report import Findings
from wrapper.trainer.option import find_fault
from wrapper.trainer.options import DATASET_OPTIONS, REFUSED, TRAIN_OPTIONS

Engine = Literal["embedded", "sd-scripts"]
REQUIRED = ("pretrained_model_name_or_path", "output_dir", "output_name", "network_module")
"""Without these sd-scripts fails late, or writes ``last.safetensors`` where nobody looks."""


def check_train_keys(file: Located, script: str, engine: Engine, findings: Findings) -> dict[str, Any]:
    """Check every key of the training file and return its values, sections flattened."""
    values: dict[str, Any] = {}
    first: dict[str, str] = {}
    for section, key, value in _flat(file):
        where = file.where(section, key)
        if key in first:
            findings.error(where, f"'{key}' is set twice, first at {first[key]}.", "Keep one of them.")
        elif isinstance(value, dict):
            findings.error(where, f"[{section}.{key}] is too deep: sd-scripts ignores such tables.")
        else:
            _check_train_key(where, key, value, script, engine, findings)
        first.setdefault(key, where)
        values[key] = value
    for key in REQUIRED:
        if not values.get(key):
            findings.error(file.where(), f"'{key}' is missing.")
    return values


def _flat(file: Located) -> Iterator[tuple[str, str, Any]]:
    for name, value in file.data.items():
        if isinstance(value, dict):
            yield from ((name, key, item) for key, item in value.items())
        else:
            yield "", name, value


def _check_train_key(
    where: str, key: str, value: Any, script: str, engine: Engine, findings: Findings
) -> None:
    known = known_options(script)
    if key not in known and (key in _all_dataset_names() or key in ("general", "datasets")):
        findings.error(where, f"'{key}' belongs in the dataset file (--dataset_config).")
    elif key not in known:
        findings.error(where, f"'{key}' is not an option of {script}.py.", did_you_mean(key, known))
    elif engine == "embedded":
        if fault := find_fault(key, value, TRAIN_OPTIONS, REFUSED):
            findings.error(where, *_by_name(key, fault, known))
    elif key not in upstream_options(script):
        findings.error(where, f"'{key}' is an option of the embedded trainer, sd-scripts does not know it.")
    elif text := upstream_options(script)[key].fault(value):
        findings.error(where, f"'{key}' {text}.")


def _by_name(key: str, fault: tuple[str, str], known: Any) -> tuple[str, str]:
    """An option that sd-scripts has and we lack is not a typing error: no nearest name."""
    if key in known and key not in TRAIN_OPTIONS and key not in REFUSED:
        return (
            f"'{key}' is an option of sd-scripts that the embedded trainer does not honour.",
            "Leave it out.",
        )
    return fault


def check_dataset_keys(file: Located, script: str, engine: Engine, findings: Findings) -> None:
    """Check every key of the dataset file against the tables where it may stand."""
    for name in file.data:
        if name not in ("general", "datasets"):
            text = f"[{name}] is no table of a dataset file."
            findings.error(file.where(name), text, did_you_mean(name, ("general", "datasets")))
    if not file.data.get("datasets"):
        findings.error(file.where(), "there is no [[datasets]] table, so there is nothing to train on.")
    for table, place, values, masks in tables(file):
        for key, value in values.items():
            _check_dataset_key(file.where(place, key), table, key, value, (script, engine, masks), findings)
        for key in required_dataset_keys(table, masks):
            if key not in values:
                findings.error(file.where(place), f"'{key}' is missing.")
        if table == "datasets" and not values.get("subsets"):
            findings.error(file.where(place), "it has no [[datasets.subsets]].")


def tables(file: Located) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """(kind of table, its place, its values, whether it is in a dataset where every subset has masks)."""
    general = file.data.get("general", {})
    if isinstance(general, dict):
        yield "general", "general", general, False
    for number, dataset in enumerate(_dicts(file.data.get("datasets"))):
        subsets = _dicts(dataset.get("subsets"))
        masks = bool(subsets) and all("conditioning_data_dir" in subset for subset in subsets)
        yield "datasets", f"datasets[{number}]", dataset, masks
        for place, subset in enumerate(subsets):
            yield "subsets", f"datasets[{number}].subsets[{place}]", subset, masks


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _check_dataset_key(
    where: str, table: str, key: str, value: Any, run: tuple[str, Engine, bool], findings: Findings
) -> None:
    script, engine, masks = run
    if key == "subsets" and table == "datasets":
        return
    if key not in _all_dataset_names():
        _not_a_dataset_key(where, key, script, findings)
    elif fault := _dataset_fault(table, key, value, engine, masks):
        findings.error(where, f"'{key}' {fault}.")


def _not_a_dataset_key(where: str, key: str, script: str, findings: Findings) -> None:
    if key in known_options(script):
        findings.error(where, f"'{key}' belongs in the training file (--config_file).")
    else:
        hint = did_you_mean(key, _all_dataset_names())
        findings.error(where, f"'{key}' is not an option of a dataset file.", hint)


def _dataset_fault(table: str, key: str, value: Any, engine: Engine, masks: bool) -> str:
    if key not in dataset_names(table):
        allowed = [f"[{name}]" for name in TABLES if key in dataset_names(name)]
        return f"does not stand in [{table}], but in {' or '.join(allowed)}"
    if fault := upstream_dataset_fault(table, key, value, masks):
        return fault
    if engine == "sd-scripts":
        return ""
    if key not in DATASET_OPTIONS:
        return REFUSED.get(key, "is an option of sd-scripts that the embedded trainer does not honour")
    return DATASET_OPTIONS[key].fault(value)


def _all_dataset_names() -> set[str]:
    return {name for table in TABLES for name in dataset_names(table)}
