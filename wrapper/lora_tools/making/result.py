"""A LoRA that a command makes: module after module, each held against the change that it should make."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataset_tools.errors import UserError
from wrapper.lora.deltas import DOWN, UP, delta_product
from wrapper.lora.sealing import SEALS, sealed
from wrapper.lora_tools.maths.factors import Factors, component_of, is_conv, module_parts
from wrapper.safetensors_header import DTYPE_BITS
from wrapper.safetensors_stream import form_of, in_library_order, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

Precision = Literal["fp16", "bf16", "fp32"]
DTYPES: dict[str, str] = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32"}
SAFETENSORS_DTYPES: dict[str, str] = {"fp16": "F16", "bf16": "BF16", "fp32": "F32"}
TOLERANCES: dict[str, float] = {"fp16": 5e-3, "bf16": 3e-2, "fp32": 1e-5}
"""Largest ‖ΔW − ΔW'‖ / ‖ΔW‖ over all modules (Frobenius) that rounding both factors may cause."""


def component_alphas(ranks: Mapping[str, int]) -> dict[str, float]:
    """One alpha for each component, its largest rank: alpha / rank is 1 where ranks are even."""
    alphas: dict[str, float] = {}
    for name, rank in ranks.items():
        component = component_of(name)
        alphas[component] = max(alphas.get(component, 0.0), float(rank))
    return alphas


def file_bytes(ranks: Mapping[str, int], shapes: Mapping[str, tuple[int, ...]], precision: str) -> int:
    """The size of a LoRA's tensors: ``ranks`` and the shapes of the layers' weights by module."""
    each = DTYPE_BITS[SAFETENSORS_DTYPES[precision]] // 8
    numbers = (rank * (shapes[name][0] + math.prod(shapes[name][1:])) + 1 for name, rank in ranks.items())
    return each * sum(numbers)


def told_ranks(ranks: Iterable[int]) -> str:
    """``rank 8``, or ``ranks 1 to 8``."""
    found = list(ranks)
    low, high = min(found), max(found)
    return f"rank {low}" if low == high else f"ranks {low} to {high}"


@dataclass
class LoraResult:
    """Tensors of the LoRA so far, in their final precision; ``alphas`` are by component."""

    alphas: Mapping[str, float]
    precision: str = "fp16"
    tensors: dict[str, Tensor] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    convs: set[str] = field(default_factory=set)
    _norm: float = 0.0
    _lost: float = 0.0

    def add(self, name: str, change: Factors) -> None:
        """Add a module. Raises `UserError` when the precision cannot hold it."""
        import torch

        parts = module_parts(change, self.alphas[component_of(name)], getattr(torch, DTYPES[self.precision]))
        if not all(bool(part.isfinite().all()) for part in parts.values()):
            raise UserError(
                f"{name}: has numbers that {self.precision} cannot hold.", "Give --precision bf16 or fp32."
            )
        wanted = {UP: change.up, DOWN: change.down}
        norm = delta_product(wanted, wanted)
        self._norm += norm
        self._lost += max(0.0, norm - 2 * delta_product(wanted, parts) + delta_product(parts, parts))
        self.tensors |= {f"{name}.{part}": tensor for part, tensor in parts.items()}
        self.ranks[name] = change.rank
        if is_conv(change.shape):
            self.convs.add(name)

    @property
    def rounding(self) -> float:
        """‖ΔW − ΔW'‖ / ‖ΔW‖ over all modules: what the precision changed."""
        return math.sqrt(self._lost / self._norm) if self._norm else 0.0

    def network(self) -> dict[str, object]:
        """``network_dim``, ``network_alpha`` and ``network_args`` as sd-scripts writes them."""
        linear = {rank for name, rank in self.ranks.items() if name not in self.convs}
        conv = {self.ranks[name] for name in self.convs}
        alpha = _one_or_dynamic(set(self.alphas.values()))
        facts: dict[str, object] = {
            "network_dim": _one_or_dynamic(linear or conv),
            "network_alpha": alpha,
        }
        if conv:
            facts["network_args"] = {"conv_dim": _one_or_dynamic(conv), "conv_alpha": alpha}
        return facts

    def write(self, path: Path, metadata: Mapping[str, str]) -> str:
        """Write the file, whole or not at all; returns its SHA-256. Hashes in it are worked out here.

        Raises `UserError` when rounding changed it by more than the precision should.
        """
        if self.rounding > TOLERANCES[self.precision]:
            raise UserError(
                f"{path}: {self.precision} would change the LoRA by {self.rounding:.1%}.",
                "Its numbers are too small or too large for it: give --precision fp32.",
            )
        forms = in_library_order({name: form_of(tensor) for name, tensor in self.tensors.items()})
        kept = {key: value for key, value in metadata.items() if not key.startswith("sshs_")}
        tensors = (self.tensors[name] for name in forms)
        return write_tensors(path, forms, {**kept, **SEALS}, tensors, lambda file: sealed(file, forms, kept))


def _one_or_dynamic(values: set[float] | set[int]) -> str:
    """sd-scripts' word for what differs from module to module."""
    return f"{next(iter(values))}" if len(values) == 1 else "Dynamic"
