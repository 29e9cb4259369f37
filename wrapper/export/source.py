"""The LoRA that is to be exported, whatever program wrote it, under Kohya's names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.base_model.kinds import Kind

if TYPE_CHECKING:
    from torch import Tensor

DOWN, UP, ALPHA = "lora_down.weight", "lora_up.weight", "alpha"
Modules = dict[str, dict[str, "Tensor"]]
"""Kohya name → ``lora_down.weight`` [r, …], ``lora_up.weight`` [out, r, …] and perhaps a scalar ``alpha``."""


@dataclass(frozen=True)
class Source:
    """The LoRA to be exported, in the precision that it came in. ``notes``: what was converted."""

    path: Path
    kind: Kind
    modules: Modules
    metadata: dict[str, str]
    spelling: str = "Kohya"
    notes: tuple[str, ...] = ()


def read_source(path: Path, kind: Kind | None = None) -> Source:
    """Read a LoRA of SD 1.5 or SDXL in any spelling; ``kind`` helps where the file does not tell.

    Raises one `UserError` that names what cannot be converted exactly.
    """
    from wrapper.lora.spellings.read import read_any

    read = read_any(path, kind=kind)
    return Source(path, read.kind, read.lora.modules(), read.lora.metadata, read.spelling, tuple(read.notes))


def component_of(module: str) -> str:
    """``lora_te1_text_model_…`` → ``te1``."""
    return module.split("_", 2)[1]
