"""Kohya's keys as the embedded trainer takes them: type, default, limits, and what is refused."""

from __future__ import annotations

import json

from docs.reference.markdown import code, prose, table
from wrapper.trainer.option import Option, Value
from wrapper.trainer.options import DATASET_OPTIONS, EXTENSIONS, REFUSED, TRAIN_OPTIONS

_TYPES = {
    "str": "text",
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "strs": "list of texts",
    "floats": "number, or a list",
    "size": "px, or width and height",
}


def train_keys() -> str:
    """The training file's keys; those of both files are in the other table."""
    options = [one for name, one in TRAIN_OPTIONS.items() if name not in DATASET_OPTIONS and not _is_off(one)]
    note = f"Our own, beside sd-scripts': {', '.join(map(code, EXTENSIONS))}."
    return f"{note}\n\n{table(('key', 'type', 'default', 'what it does'), map(_row, options))}"


def dataset_keys() -> str:
    """The dataset file's keys, and the tables that each may stand in."""
    options = [one for one in DATASET_OPTIONS.values() if not _is_off(one)]
    rows = [(*_row(one), ", ".join(one.levels)) for one in options]
    return table(("key", "type", "default", "what it does", "in"), rows)


def refused_keys() -> str:
    """Key and reason, of the keys that people know from sd-scripts."""
    off = [one for one in {**TRAIN_OPTIONS, **DATASET_OPTIONS}.values() if _is_off(one)]
    reasons = {one.name: one.refusal.rpartition(": ")[2] for one in off} | REFUSED
    return table(
        ("key", "because, or instead"), [(code(name), prose(text)) for name, text in reasons.items()]
    )


def _is_off(option: Option) -> bool:
    """A flag that may only be off."""
    return option.choices == (False,)


def _row(option: Option) -> tuple[str, str, str, str]:
    limits = ", ".join(filter(None, (_choices(option), _range(option))))
    kind = f"{_TYPES[option.type]}: {limits}" if limits else _TYPES[option.type]
    return code(option.name), kind, code(_default(option.default)), prose(option.help)


def _choices(option: Option) -> str:
    return ", ".join(f"`{json.dumps(choice)}`" for choice in option.choices or ())


def _range(option: Option) -> str:
    least, most = option.minimum, option.maximum
    said = (
        f"at least {least:.10g}" if least is not None else "",
        f"at most {most:.10g}" if most is not None else "",
    )
    return ", ".join(filter(None, said))


def _default(value: Value) -> str:
    return "" if value is None else json.dumps(value)
