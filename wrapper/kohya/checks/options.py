"""Keys and values of a training file, each against the table of options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from dataset_tools.errors import did_you_mean
from wrapper.kohya.checks.value import value_fault
from wrapper.kohya.located import Located, Where
from wrapper.kohya.options import TABLES, dataset_names, known_options, upstream_options
from wrapper.kohya.report import Findings
from wrapper.trainer.option import find_fault
from wrapper.trainer.options import EXTENSIONS, REFUSED, TRAIN_OPTIONS

Engine = Literal["embedded", "sd-scripts"]
REQUIRED = ("pretrained_model_name_or_path", "network_module", "output_dir")
"""Without these sd-scripts fails, without the last only when it saves."""
NOT_IN_FILE = ("config_file", "output_config")
"""Options of the command line alone: in a file they are read too late."""
CARRIED = ("class_tokens", "network_multiplier", "custom_attributes")
"""Keys of a dataset file that count in a training file too: sd-scripts carries what it does not know."""


def check_train_keys(file: Located, script: str, engine: Engine, findings: Findings) -> dict[str, Any]:
    """Check every key of the training file and return its values, sections flattened."""
    flat = list(_flat(file))
    values = {key: value for _, key, value in flat}
    first: dict[str, Where] = {}
    for section, key, value in flat:
        where = file.where(section, key)
        if key in first:
            findings.error(where, f"'{key}' is set twice, first at {first[key]}.", "Keep one of them.")
        elif isinstance(value, dict):
            findings.error(where, f"[{section}.{key}] is too deep: sd-scripts ignores such tables.")
        else:
            _check_train_key(where, key, value, values, script, engine, findings)
        first.setdefault(key, where)
    for key in REQUIRED:
        if not values.get(key):
            findings.error(file.where(), f"'{key}' is missing.")
    if not values.get("output_name"):
        _output_name(file, engine, findings)
    return values


def _output_name(file: Located, engine: Engine, findings: Findings) -> None:
    if engine == "embedded":
        findings.error(file.where(), "'output_name' is missing.")
    else:
        findings.warn(file.where(), "'output_name' is missing: the LoRA will be called last.safetensors.")


def _flat(file: Located) -> Iterator[tuple[str, str, Any]]:
    for name, value in file.data.items():
        if isinstance(value, dict):
            yield from ((name, key, item) for key, item in value.items())
        else:
            yield "", name, value


def _check_train_key(
    where: Where,
    key: str,
    value: Any,
    values: Mapping[str, Any],
    script: str,
    engine: Engine,
    findings: Findings,
) -> None:
    known = known_options(script)
    if key not in known:
        _unknown(where, key, script, engine, findings)
    elif engine == "embedded":
        if fault := find_fault(key, value, TRAIN_OPTIONS, REFUSED):
            findings.error(where, *_by_name(key, fault, known))
    elif key not in upstream_options(script):
        findings.error(where, _of_another(key, script))
    elif key in NOT_IN_FILE and value:
        findings.error(where, f"'{key}' is an option of the command line: in a file sd-scripts ignores it.")
    elif found := value_fault(upstream_options(script)[key], value, values):
        (findings.error if found.fails else findings.warn)(where, f"'{key}' {found.text}.")


def _unknown(where: Where, key: str, script: str, engine: Engine, findings: Findings) -> None:
    known = known_options(script)
    if key in CARRIED and engine == "sd-scripts":
        findings.warn(where, f"'{key}' belongs in the dataset file; sd-scripts takes it from here as well.")
    elif key in ("general", "datasets") or any(key in dataset_names(table) for table in TABLES):
        findings.error(where, f"'{key}' belongs in the dataset file (--dataset_config).")
    else:
        findings.error(where, f"'{key}' is not an option of {script}.py.", did_you_mean(key, known))


def _of_another(key: str, script: str) -> str:
    if key in upstream_options("sdxl_train_network"):
        return f"'{key}' is an option of sdxl_train_network.py: {script}.py ignores it."
    if key in EXTENSIONS:
        return f"'{key}' is an option of train_network_inpaint.py: {script}.py ignores it."
    return f"'{key}' is an option of the embedded trainer, sd-scripts does not know it."


def _by_name(key: str, fault: tuple[str, str], known: Mapping[str, Any]) -> tuple[str, str]:
    """An option that sd-scripts has and we lack is not a typing error: no nearest name."""
    if key in known and key not in TRAIN_OPTIONS and key not in REFUSED:
        text = f"'{key}' is an option of sd-scripts that the embedded trainer does not honour."
        return text, "Leave it out."
    return fault
