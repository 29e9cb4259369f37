"""What the training presets set: the main one whole, of the others what differs from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from docs.reference.markdown import code, table
from wrapper.kohya.presets import Kind, read_preset

MAIN = "16gb"
OTHERS = ("cpu", "8gb", "12gb", "24gb", "demo")
COLUMNS: dict[str, tuple[str, Kind]] = {
    "Stage A, SD 1.5": ("stage_a", "sd15"),
    "Stage A, SDXL": ("stage_a", "sdxl"),
    "Stage B, SD 1.5": ("stage_b", "sd15"),
    "Stage B, SDXL": ("stage_b", "sdxl"),
}
"""A stage on a kind of base, as a heading."""

Values = Mapping[str, Mapping[str, Any]]


def main_preset() -> str:
    """Each key of `MAIN`, one column a stage and kind of base."""
    found = _values(MAIN)
    rows = [(code(key), *(_word(found[column].get(key)) for column in COLUMNS)) for key in _keys(found)]
    return table(("key", *COLUMNS), rows)


def other_presets() -> str:
    """Preset, key and value, wherever another preset differs from `MAIN`."""
    main = _values(MAIN)
    rows = [(code(name), read_preset(name).title, _differences(_values(name), main)) for name in OTHERS]
    return table(("preset", "for", f"sets, other than `{MAIN}`"), rows)


def _values(name: str) -> dict[str, dict[str, Any]]:
    preset = read_preset(name)
    return {column: preset.values(*place) for column, place in COLUMNS.items()}


def _keys(found: Values) -> list[str]:
    return list(dict.fromkeys(key for values in found.values() for key in values))


def _differences(found: Values, main: Values) -> str:
    """``key = value`` with the columns where it holds, unless it holds in all of them."""
    places: dict[str, list[str]] = {}
    for key in _keys(found):
        for column in COLUMNS:
            value = found[column].get(key)
            if value != main[column].get(key):
                places.setdefault(f"`{key} = {_word(value)}`", []).append(column)
    said = (
        text if len(where) == len(COLUMNS) else f"{text} ({'; '.join(where)})"
        for text, where in places.items()
    )
    return ", ".join(said) or "nothing: the same fits into it"


def _word(value: Any) -> str:
    """As it stands in a TOML file, without quotes; nothing where the preset is silent."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else json.dumps(value).strip('"')
