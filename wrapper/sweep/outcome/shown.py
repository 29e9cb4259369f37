"""Swept settings in few words: keys as short as they are clear, values as a person writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dataset_tools.printable import one_line
from wrapper.sweep.trials import Sweep
from wrapper.toml_text import to_toml

LONGEST = 60
"""Characters of a value that are shown."""


class SweptSetting(NamedTuple):
    """What trials differ in: one key, or several that have the same value in every trial (``KEY+KEY``)."""

    keys: tuple[str, ...]
    name: str


def swept_settings(sweep: Sweep) -> list[SweptSetting]:
    """In the order in which they were given; keys that go together are one."""
    shorts = short_keys(sweep.keys)
    return [SweptSetting(keys, _common_name(keys, shorts)) for keys in _together(sweep)]


def swept_names(sweep: Sweep) -> dict[str, str]:
    """`swept_settings` by the first key of each: ``stage_a.kohya.network_dim`` → ``network_dim``."""
    return {one.keys[0]: one.name for one in swept_settings(sweep)}


def _together(sweep: Sweep) -> list[tuple[str, ...]]:
    """Nothing can be told apart that was never different; where nothing differs, equal names are enough."""
    found: dict[Any, list[str]] = {}
    for key in sweep.keys:
        values = tuple(repr(trial.settings.get(key)) for trial in sweep.trials)
        differ = len(set(values)) > 1
        found.setdefault(values if differ else (values, key.rpartition(".")[2]), []).append(key)
    return list(map(tuple, found.values()))


def _common_name(keys: Sequence[str], shorts: Mapping[str, str]) -> str:
    """The end that all of ``keys`` have and no other key, else their names one after the other."""
    parts = [key.split(".") for key in keys]
    others = [key.split(".") for key in shorts if key not in keys]
    for length in range(1, min(map(len, parts))):
        end = parts[0][-length:]
        if all(one[-length:] == end for one in parts) and all(one[-length:] != end for one in others):
            return ".".join(end)
    return " + ".join(shorts[key] for key in keys)


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
    """``network_dim 16, learning_rate 5e-05``, of the keys in ``shorts``; empty without settings."""
    return ", ".join(
        f"{shorts[key]} {value_words(value)}" for key, value in settings.items() if key in shorts
    )


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
