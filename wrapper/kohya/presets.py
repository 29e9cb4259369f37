"""Presets: Kohya values for a kind of machine, as data in ``templates/presets``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dataset_tools.errors import UserError, did_you_mean
from wrapper.places import shipped

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Kind = Literal["sd15", "sdxl"]
CARDS = {"24gb": 22, "16gb": 14, "12gb": 11, "8gb": 0}
"""Presets by the GPU memory (GiB) that each starts at; cards have a little less than their names."""


@dataclass(frozen=True)
class Preset:
    """``tables`` are ``common``, a stage, a kind of base, and ``<kind>_<stage>``; any may be missing.

    ``checkpoints``: about so many a run where nobody says how often to save, 0 for none. ``needs`` has, for a
    kind of base, the keys that only sd-scripts honours, each with the reason.
    """

    name: str
    title: str
    tables: Mapping[str, Mapping[str, Any]]
    checkpoints: int = 0
    needs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

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
    inherited = read_preset(parent) if parent else Preset("", "", {})
    checkpoints, needs = data.pop("checkpoints", inherited.checkpoints), data.pop("needs", inherited.needs)
    tables = {
        key: {**inherited.tables.get(key, {}), **data.get(key, {})} for key in {**inherited.tables, **data}
    }
    return Preset(name, title, tables, checkpoints, needs)


def preset_here() -> str:
    """The training preset for this machine: by the memory of its first GPU, or for the CPU."""
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    memory_gib = torch.cuda.get_device_properties(0).total_memory / 2**30
    return preset_of_card(memory_gib)


def preset_of_card(memory_gib: float) -> str:
    """The training preset for a GPU of so much memory."""
    return next(name for name, least_gib in CARDS.items() if memory_gib >= least_gib)


def _folder() -> Path:
    return shipped("templates") / "presets"
