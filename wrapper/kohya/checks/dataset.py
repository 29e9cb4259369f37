"""Keys and values of a dataset file, each against the schema of the table where it stands."""

from __future__ import annotations

from typing import Any

from dataset_tools.errors import did_you_mean
from wrapper.kohya.checks.options import Engine
from wrapper.kohya.checks.value import number_fault
from wrapper.kohya.dataset_tables import Table, only_tables, tables
from wrapper.kohya.located import Located
from wrapper.kohya.options import (
    RANGES,
    TABLES,
    dataset_names,
    known_options,
    required_dataset_keys,
    upstream_dataset_fault,
)
from wrapper.kohya.report import Findings
from wrapper.trainer.options import DATASET_OPTIONS, REFUSED

INTERPOLATIONS = ("lanczos", "nearest", "bilinear", "linear", "bicubic", "cubic", "area", "box")
TOP = ("general", "datasets")


def check_dataset_keys(file: Located, script: str, engine: Engine, findings: Findings) -> None:
    """Check every key of the dataset file against the tables where it may stand."""
    _check_shape(file, findings)
    for table in tables(file):
        if table.flavour == "mixed" and table.kind == "datasets":
            text = "some of its subsets have a metadata_file and some have not."
            findings.error(file.where(table.place), text, "Put them into [[datasets]] of their own.")
        for key, value in table.values.items():
            _check_key(file, table, key, value, script, engine, findings)
        for key in required_dataset_keys(table.kind, table.flavour):
            if key not in table.values:
                findings.error(file.where(table.place), f"'{key}' is missing.")
        if table.kind == "datasets" and not only_tables(table.values.get("subsets")):
            findings.error(file.where(table.place), "it has no [[datasets.subsets]].")


def _check_shape(file: Located, findings: Findings) -> None:
    for name in file.data:
        if name not in TOP:
            text = f"[{name}] is no table of a dataset file."
            findings.error(file.where(name, ""), text, did_you_mean(name, TOP))
    datasets = file.data.get("datasets")
    if not datasets:
        text = "there is no [[datasets]] table, so there is nothing to train on."
        findings.error(file.where(), text)
    elif len(only_tables(datasets)) != len(datasets):
        findings.error(
            file.where("datasets"), "[datasets] must be an array of tables.", "Write [[datasets]]."
        )
    if not isinstance(file.data.get("general", {}), dict):
        findings.error(file.where("", "general"), "'general' must be a table.", "Write [general].")


def _check_key(
    file: Located,
    table: Table,
    key: str,
    value: Any,
    script: str,
    engine: Engine,
    findings: Findings,
) -> None:
    where = file.where(table.place, key)
    if key == "subsets" and table.kind == "datasets":
        if len(only_tables(value)) != len(value if isinstance(value, list) else [value]):
            text = "its subsets must be an array of tables."
            findings.error(where, text, "Write [[datasets.subsets]].")
    elif key not in _all_names():
        findings.error(where, *_unknown(key, script))
    elif fault := _fault(table, key, value, engine):
        findings.error(where, f"'{key}' {fault}.")


def _unknown(key: str, script: str) -> tuple[str, str]:
    if key in known_options(script):
        return f"'{key}' belongs in the training file (--config_file).", ""
    return f"'{key}' is not an option of a dataset file.", did_you_mean(key, _all_names())


def _fault(table: Table, key: str, value: Any, engine: Engine) -> str:
    if key not in dataset_names(table.kind):
        allowed = [f"[{name}]" for name in TABLES if key in dataset_names(name)]
        return f"does not stand in [{table.kind}], but in {' or '.join(allowed)}"
    if fault := upstream_dataset_fault(table.kind, key, value, table.flavour):
        return fault
    if engine == "sd-scripts":
        return number_fault(value, *RANGES.get(key, (None, None))) or _choice_fault(key, value)
    if key not in DATASET_OPTIONS:
        return REFUSED.get(key, "is an option of sd-scripts that the embedded trainer does not honour")
    return DATASET_OPTIONS[key].fault(value)


def _choice_fault(key: str, value: Any) -> str:
    if key == "resize_interpolation" and value not in INTERPOLATIONS:
        return f"must be one of {', '.join(INTERPOLATIONS)}, not {value!r}"
    return ""


def _all_names() -> set[str]:
    return {name for table in TABLES for name in dataset_names(table)}
