"""Random changes of layers, and what a LoRA file's modules make of a weight, worked out the plain way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from wrapper.lora.file import read_lora, write_lora

SHAPES = {
    "linear": (24, 16),
    "wide": (8, 40),
    "one pixel": (24, 16, 1, 1),
    "conv": (12, 8, 3, 3),
}
"""Weights of layers, one of each form that a LoRA has."""


def random_parts(shape: Sequence[int], rank: int, alpha: float | None, seed: int = 0) -> dict[str, Tensor]:
    """A LoRA module for a weight of ``shape``."""
    generator = torch.Generator().manual_seed(seed)
    parts = {
        "lora_down.weight": torch.randn(rank, *shape[1:], generator=generator),
        "lora_up.weight": torch.randn(shape[0], rank, *[1] * (len(shape) - 2), generator=generator),
    }
    return parts if alpha is None else {**parts, "alpha": torch.tensor(alpha)}


def delta(parts: Mapping[str, Tensor]) -> Tensor:
    """alpha / rank · up @ down in float64: (out, in[, h, w])."""
    up, down = parts["lora_up.weight"].double(), parts["lora_down.weight"].double()
    scale = float(parts.get("alpha", down.shape[0])) / down.shape[0]
    return torch.einsum("or,r...->o...", up.flatten(1), down) * scale


def deltas(path: Path) -> dict[str, Tensor]:
    """What the LoRA file at ``path`` makes of each layer."""
    return {name: delta(parts) for name, parts in read_lora(path).modules().items()}


def lora_of(
    path: Path, modules: Mapping[str, Mapping[str, Tensor]], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write modules (with alpha) to ``path`` and return it."""
    tensors = {f"{name}.{part}": tensor for name, parts in modules.items() for part, tensor in parts.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lora(path, tensors, metadata or {})
    return path


def relative(found: Tensor, wanted: Tensor) -> float:
    """‖found − wanted‖ / ‖wanted‖."""
    return float((found.double() - wanted.double()).norm() / wanted.double().norm())
