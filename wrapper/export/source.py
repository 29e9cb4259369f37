"""A LoRA file as it came, and in the form that every program loads whole: fp16, one alpha a component."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.kinds import Kind
from wrapper.lora.names import kind_of

if TYPE_CHECKING:
    from torch import Tensor

DOWN, UP, ALPHA = "lora_down.weight", "lora_up.weight", "alpha"
Modules = dict[str, dict[str, "Tensor"]]
"""Kohya name → ``lora_down.weight`` [r, …], ``lora_up.weight`` [out, r, …] and perhaps a scalar ``alpha``."""


@dataclass(frozen=True)
class Source:
    """The LoRA to be exported. ``modules`` are in full precision as they were."""

    path: Path
    kind: Kind
    modules: Modules
    metadata: dict[str, str]


def read_source(path: Path) -> Source:
    """Read a Kohya LoRA of SD 1.5 or SDXL; raises `UserError` for any other file."""
    from wrapper.lora.file import read_lora

    lora = read_lora(path)
    modules = lora.modules()
    kind = kind_of(modules)
    if kind is None:
        first = next(iter(sorted(lora.tensors)), "nothing")
        raise UserError(
            f"{path}: is not a Kohya LoRA of SD 1.5 or SDXL (its first key is '{first}').",
            "Export reads what lorawrap and sd-scripts write.",
        )
    _require_plain(path, modules)
    return Source(path, kind, modules, lora.metadata)


def _require_plain(path: Path, modules: Modules) -> None:
    problems = Problems()
    for name, parts in modules.items():
        missing = {DOWN, UP} - set(parts)
        unknown = set(parts) - {DOWN, UP, ALPHA}
        if missing:
            problems.add(f"{path} {name}", f"{' and '.join(sorted(missing))} is missing.")
        if unknown:
            problems.add(f"{path} {name}", f"{', '.join(sorted(unknown))} is not part of a plain LoRA.")
    problems.raise_if_any()


def component_of(module: str) -> str:
    """``lora_te1_text_model_…`` → ``te1``."""
    return module.split("_", 2)[1]


def alpha_of(parts: dict[str, Tensor]) -> float:
    """Alpha of one module; without one it is the rank, as sd-scripts, A1111 and ComfyUI take it."""
    return float(parts[ALPHA]) if ALPHA in parts else float(parts[DOWN].shape[0])


def normalised(modules: Modules) -> dict[str, Tensor]:
    """Tensors of the exported file: fp16, alpha on every module, the same one all over a component.

    ΔW = alpha / rank · up @ down stays what it was: where alpha changes, ``up`` takes up the difference.
    """
    import torch

    alphas = _alphas(modules)
    tensors = {}
    for name, parts in modules.items():
        alpha = alphas[component_of(name)]
        factor = alpha_of(parts) / alpha
        tensors[f"{name}.{DOWN}"] = parts[DOWN].to(torch.float16)
        tensors[f"{name}.{UP}"] = (parts[UP].float() * factor).to(torch.float16)
        tensors[f"{name}.{ALPHA}"] = torch.tensor(alpha, dtype=torch.float16)
    return tensors


def _alphas(modules: Modules) -> dict[str, float]:
    """The commonest alpha of each component that is not zero."""
    found: dict[str, Counter[float]] = {}
    for name, parts in modules.items():
        alpha = alpha_of(parts)
        found.setdefault(component_of(name), Counter())[alpha or 1.0] += 1
    return {component: counts.most_common(1)[0][0] for component, counts in found.items()}
