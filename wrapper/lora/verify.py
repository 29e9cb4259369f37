"""Is this LoRA file what every program takes whole? All faults at once, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from dataset_tools.wording import some
from wrapper.base_model.kinds import Kind
from wrapper.lora.file import Lora, read_lora
from wrapper.lora.fit import form_fault, kind_fault, layer_faults, value_faults
from wrapper.lora.forms import has_known_form
from wrapper.lora.hashes import model_hash
from wrapper.lora.layers import Layer

if TYPE_CHECKING:
    from torch import Tensor


def verify_lora(path: Path, kind: Kind, layers: Mapping[str, Layer] | None = None) -> list[str]:
    """Every fault of the LoRA at ``path`` on a base of ``kind``; an empty list is the proof.

    With ``layers`` of the base model (`wrapper.lora.layers.model_layers`) names and shapes are held
    against it; without, only against each other.
    """
    try:
        lora = read_lora(path)
    except UserError as error:
        return [error.message]
    modules = lora.modules()
    broken = kind_fault(modules, kind) or form_fault(modules)
    if broken:
        return [broken]
    faults = layer_faults(modules, layers) if layers is not None else _name_faults(lora, kind)
    return faults + _value_faults(modules) + _metadata_faults(path, lora, kind)


def _name_faults(lora: Lora, kind: Kind) -> list[str]:
    modules = lora.modules()
    unknown = [name for name in modules if not has_known_form(name, kind)]
    uneven = [name for name, parts in modules.items() if _ranks_differ(parts)]
    faults = {
        "has modules that no program knows": unknown,
        "has modules whose down and up differ in rank": uneven,
    }
    return [f"{fault} ({some(names)})" for fault, names in faults.items() if names]


def _ranks_differ(parts: Mapping[str, Tensor]) -> bool:
    return parts["lora_down.weight"].shape[0] != parts["lora_up.weight"].shape[1]


def _value_faults(modules: Mapping[str, Mapping[str, Tensor]]) -> list[str]:
    faults = {
        "has modules without alpha": [name for name, parts in modules.items() if "alpha" not in parts],
        "has alphas that are not one positive number": [
            name for name, parts in modules.items() if not _is_alpha(parts.get("alpha"))
        ],
    }
    found = [f"{fault} ({some(names)})" for fault, names in faults.items() if names] + value_faults(modules)
    acting = any(_acts(parts) for parts in modules.values())
    return found if acting else [*found, "changes nothing: in every module down or up is zero"]


def _acts(parts: Mapping[str, Tensor]) -> bool:
    return bool(parts["lora_up.weight"].any()) and bool(parts["lora_down.weight"].any())


def _is_alpha(alpha: Tensor | None) -> bool:
    return alpha is None or (alpha.numel() == 1 and math.isfinite(float(alpha)) and float(alpha) > 0)


def _metadata_faults(path: Path, lora: Lora, kind: Kind) -> list[str]:
    faults = []
    version = lora.metadata.get("ss_base_model_version", "")
    if version and version.startswith("sdxl_") != (kind == "sdxl"):
        faults.append(f"says in ss_base_model_version that it is for {version}")
    told = lora.metadata.get("sshs_model_hash")
    if told and told != model_hash(path):
        faults.append("has an sshs_model_hash that is not the hash of its tensors")
    return faults
