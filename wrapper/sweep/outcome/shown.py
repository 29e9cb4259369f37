"""Swept settings in few words: keys as short as they are clear, values as a person writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dataset_tools.printable import one_line
from wrapper.toml_text import to_toml

LONGEST = 60
"""Characters of a value that are shown."""


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Each key's shortest end that is no other's: ``stage_a.kohya.network_dim`` → ``network_dim``."""
    parts = {key: key.split(".") for key in keys}
    return {key: _shortest(key, parts) for key in parts}


def _shortest(key: str, parts: Mapping[str, Sequence[str]]) -> str:
    ours = parts[key]
    for length in range(1, len(ours)):
        end = ours[-length:]
        if all(other == key or theirs[-length:] != end for other, theirs in parts.items()):
            return ".".join(end)
    return key


def value_words(value: Any) -> str:
    """``5e-05``, ``true``, ``AdamW8bit``; a list as TOML has it; what was not set as ``not set``."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int | str):
        return one_line(str(value), LONGEST) or '""'
    return one_line(to_toml(value), LONGEST)


def setting_words(settings: Mapping[str, Any], shorts: Mapping[str, str]) -> str:
    """``network_dim 16, learning_rate 5e-05``; empty without settings."""
    return ", ".join(f"{shorts[key]} {value_words(value)}" for key, value in settings.items())


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ."""
    return [key for key in {**one, **other} if one.get(key) != other.get(key)]


def settings_toml(settings: Mapping[str, Any]) -> str:
    """The lines of ``lorawrap.toml`` that set them, table by table."""
    tables: dict[str, list[str]] = {}
    for key, value in settings.items():
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(to_toml({name: value})[2:-2])
    return "\n".join("\n".join([f"[{table}]", *lines, ""]) for table, lines in tables.items())
