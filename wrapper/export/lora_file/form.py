"""The form that every program loads whole: one precision, and one alpha a component, on every module.

ΔW = alpha / rank · up @ down stays what it was: where alpha changes, ``up`` takes up the difference.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from wrapper.export.source import ALPHA, DOWN, UP, Modules, component_of
from wrapper.export.targets import Precision
from wrapper.lora.apply import alpha_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TORCH_NAMES: dict[Precision, str] = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32"}
MAX_ROUNDING = 1e-3
"""‖x − fp16(x)‖ / ‖x‖ of a tensor whose numbers are neither too small nor too large for fp16 stays below
2⁻¹¹ = 4.9e-4 (half of the last of 11 bits)."""


def normalised(
    modules: Modules, precision: Precision = "fp16", idle: Modules | None = None
) -> dict[str, Tensor]:
    """Tensors of the exported file, by name; ``idle`` are modules to be added (see `idle.py`)."""
    import torch

    dtype = getattr(torch, TORCH_NAMES[precision])
    alphas = {component: _stored(alpha, dtype) for component, alpha in _alphas(modules).items()}
    tensors = {}
    for name, parts in (modules | (idle or {})).items():
        alpha = alphas[component_of(name)]
        down, up = _fitting(parts[DOWN], _times(parts[UP], alpha_of(parts) / alpha), dtype)
        tensors[f"{name}.{DOWN}"], tensors[f"{name}.{UP}"] = down.contiguous(), up.contiguous()
        tensors[f"{name}.{ALPHA}"] = torch.tensor(alpha, dtype=dtype)
    return tensors


def _times(tensor: Tensor, factor: float) -> Tensor:
    return tensor if factor == 1.0 else tensor.float() * factor


def _alphas(modules: Modules) -> dict[str, float]:
    """The commonest alpha of each component, without its sign; zeros do not count."""
    found: dict[str, Counter[float]] = {}
    for name, parts in modules.items():
        found.setdefault(component_of(name), Counter())[abs(alpha_of(parts)) or 1.0] += 1
    return {component: counts.most_common(1)[0][0] for component, counts in found.items()}


def _stored(alpha: float, dtype: torch.dtype) -> float:
    """``alpha`` as the file can hold it, 1 where it cannot: ``up`` then takes up all of it."""
    import torch

    stored = float(torch.tensor(alpha, dtype=dtype))
    return stored if math.isfinite(stored) and abs(stored - alpha) <= 0.01 * alpha else 1.0


def _fitting(down: Tensor, up: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Both in ``dtype``; a power of two moves from one to the other where numbers are too small or large."""
    if not _is_lossy(down, dtype) and not _is_lossy(up, dtype):
        return down.to(dtype), up.to(dtype)
    largest = [float(part.abs().max()) if part.numel() else 0.0 for part in (down, up)]
    if not all(0 < one < math.inf for one in largest):
        return down.to(dtype), up.to(dtype)
    power = 2.0 ** round(math.log2(largest[0] / largest[1]) / 2)
    return (down.double() / power).to(dtype), (up.double() * power).to(dtype)


def _is_lossy(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Whether ``dtype`` loses more of ``tensor`` than its bits explain; bf16 and fp32 have fp32's range."""
    import torch

    if dtype != torch.float16 or tensor.dtype == torch.float16:
        return False
    exact = tensor.float()
    return not float((exact - exact.to(dtype).float()).norm()) <= MAX_ROUNDING * float(exact.norm())
