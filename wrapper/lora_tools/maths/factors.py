"""The change of one layer as two factors, and the tensors of a LoRA module made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from wrapper.lora.deltas import DOWN, UP, Parts, scale_of
from wrapper.lora_tools.maths.ranks import RankRule
from wrapper.lora_tools.maths.svd import Svd, svd_of_product

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ALPHA = "alpha"


@dataclass(frozen=True)
class Factors:
    """ΔW = ``up`` (out, r) @ ``down`` (r, in · kernel), every scale within, float32 or float64.

    ``shape`` is the layer's weight: (out, in) or (out, in, height, width).
    """

    up: Tensor
    down: Tensor
    shape: tuple[int, ...]

    @property
    def rank(self) -> int:
        return self.up.shape[1]

    def delta(self) -> Tensor:
        """ΔW itself, in the shape of the weight."""
        return (self.up @ self.down).reshape(self.shape)


def is_conv(shape: tuple[int, ...]) -> bool:
    """Whether a weight's kernel is larger than one pixel: what ``conv_dim`` is for in sd-scripts."""
    return shape[2:] not in ((), (1, 1))


def factors_of(parts: Parts, weight: float = 1.0) -> Factors:
    """A LoRA module's change times ``weight``: ``up`` takes up weight · alpha / rank."""
    up, down = parts[UP], parts[DOWN]
    scaled = up.flatten(1).double() * (weight * scale_of(parts))
    return Factors(scaled, down.flatten(1).double(), (up.shape[0], *down.shape[1:]))


def summed(changes: Sequence[Factors]) -> Factors:
    """The sum of several changes of one layer, exact: [u₁ u₂] @ [d₁; d₂] = u₁d₁ + u₂d₂."""
    import torch

    up = torch.cat([change.up for change in changes], dim=1)
    return Factors(up, torch.cat([change.down for change in changes]), changes[0].shape)


class Kept(NamedTuple):
    """Energy, the sum of squared singular values: what is ``kept`` of ``all``."""

    kept: float
    all: float

    @property
    def share(self) -> float:
        """0 … 1; 1 for a change that is zero."""
        return self.kept / self.all if self.all else 1.0


def reduced(change: Factors, rule: RankRule) -> tuple[Factors, Kept]:
    """The best approximation (Eckart and Young 1936) of the rank that ``rule`` gives."""
    found = svd_of_product(change.up, change.down)
    count = rule.count(found.s, conv=is_conv(change.shape))
    kept = Kept(float((found.s[:count] ** 2).sum()), float((found.s**2).sum()))
    return from_svd(found, count, change.shape), kept


def from_svd(found: Svd, count: int, shape: tuple[int, ...]) -> Factors:
    """The first ``count`` singular values as factors, √σ on either side."""
    root = found.s[:count].sqrt()
    return Factors(found.u[:, :count] * root, root[:, None] * found.vh[:count], shape)


def module_parts(change: Factors, alpha: float, dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors of a module that makes this change at ``alpha``, by part.

    ΔW = alpha / rank · up @ down: what alpha is not, the factors take up. Each of the r terms is spread over
    both factors by a power of two, which rounds nothing and keeps small numbers within fp16.
    """
    import torch

    written = torch.tensor(alpha, dtype=dtype)
    up, down = _balanced(change.up * (change.rank / float(written)), change.down)
    return {
        DOWN: down.reshape(-1, *change.shape[1:]).to(dtype),
        UP: up.reshape(*up.shape, *(1 for _ in change.shape[2:])).to(dtype),
        ALPHA: written,
    }


def _balanced(up: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    import torch

    ratio = down.abs().amax(1) / up.abs().amax(0)
    even = torch.where((ratio > 0) & ratio.isfinite(), ratio, torch.ones_like(ratio))
    powers = (even.log2() / 2).round()
    return up * powers.exp2(), down * (-powers).exp2()[:, None]


def component_of(module: str) -> str:
    """``lora_te1_text_model_…`` → ``te1``."""
    return module.split("_", 2)[1]
