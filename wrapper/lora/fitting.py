"""Do all LoRAs of a comparison fit its base? Asked of shapes alone, before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems
from wrapper.base_model.architecture import models_on_meta, read_configs
from wrapper.lora.apply import fitting_lora
from wrapper.lora.layers import model_layers

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo


def check_fits(info: BaseInfo, files: Iterable[Path]) -> None:
    """Raise one `UserError` that names every file that is no LoRA for this base, and why."""
    files = sorted(set(files))
    if not files:
        return
    layers = model_layers(models_on_meta(read_configs(info), info.kind), info.kind, outer=True)
    problems = Problems()
    for path in files:
        fitting_lora(path, info.kind, layers, problems)
    problems.raise_if_any(hint="Give a LoRA that was trained for this kind and size of base model.")
