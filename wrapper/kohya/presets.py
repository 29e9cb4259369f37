"""Presets: Kohya values for a kind of machine, as data in ``templates/presets``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dataset_tools.errors import UserError, did_you_mean
from wrapper.places import shipped

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Kind = Literal["sd15", "sdxl"]


@dataclass(frozen=True)
class Preset:
    """``tables`` are ``common``, a stage, a kind of base, and ``<kind>_<stage>``; any may be missing."""

    name: str
    title: str
    tables: Mapping[str, Mapping[str, Any]]

    def values(self, stage: str, kind: Kind) -> dict[str, Any]:
        """Kohya keys and values of ``stage`` on a base of ``kind``; later tables lie over earlier ones."""
        order = ("common", stage, kind, f"{kind}_{stage}")
        return {key: value for table in order for key, value in self.tables.get(table, {}).items()}


def preset_names() -> list[str]:
    return sorted(path.stem for path in _folder().glob("*.toml"))


def read_preset(name: str) -> Preset:
    """The shipped preset ``name``, laid over the one it extends. `UserError` for an unknown name."""
    if name not in preset_names():
        raise UserError(
            f"There is no preset '{name}'. {did_you_mean(name, preset_names())}".strip(),
            f"Presets: {', '.join(preset_names())}.",
        )
    data = tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8"))
    title, parent = data.pop("title"), data.pop("extends", None)
    inherited = read_preset(parent).tables if parent else {}
    tables = {key: {**inherited.get(key, {}), **data.get(key, {})} for key in {**inherited, **data}}
    return Preset(name, title, tables)


def _folder() -> Path:
    return shipped("templates") / "presets"
