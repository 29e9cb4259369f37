"""How strongly each module of a LoRA changes its layer, without ever making the change.

With A = UᵀU and B = DDᵀ (rank × rank, float64) and s = alpha / rank: ‖ΔW‖² = s² tr(AB) (Frobenius), and the
singular values of ΔW are s · √eig(AB). The effective rank is the exponential of the entropy of the singular
values (Roy & Vetterli 2007, definition 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_tools.progress import track
from wrapper.lora.deltas import DOWN, UP, Parts, scale_of

if TYPE_CHECKING:
    from torch import Tensor

_TOO_SMALL = 1e-14
"""Eigenvalues below this share of the largest are rounding."""


@dataclass(frozen=True)
class ModuleNorm:
    """One module. ``norm`` is ‖ΔW‖ (Frobenius), ``largest`` its largest singular value; NaN where broken."""

    name: str
    rank: int
    alpha: float
    norm: float
    largest: float
    effective_rank: float

    @property
    def is_broken(self) -> bool:
        return not math.isfinite(self.norm)

    @property
    def is_zero(self) -> bool:
        return self.norm == 0.0


def module_norms(modules: Mapping[str, Parts], *, quiet: bool = False) -> list[ModuleNorm]:
    """The norms of all modules, in the order of their names."""
    names = sorted(modules)
    return [_measured(name, modules[name]) for name in (names if quiet else track(names, "norms"))]


def total(norms: Iterable[ModuleNorm]) -> float:
    """The norm of several changes together: √Σ‖ΔW‖², broken modules left out."""
    return math.sqrt(sum(one.norm**2 for one in norms if not one.is_broken))


def _measured(name: str, parts: Parts) -> ModuleNorm:
    up, down = parts[UP].double().flatten(1), parts[DOWN].double().flatten(1)
    rank, alpha = down.shape[0], scale_of(parts) * down.shape[0]
    if not (up.isfinite().all() and down.isfinite().all() and math.isfinite(alpha)):
        return ModuleNorm(name, rank, alpha, math.nan, math.nan, math.nan)
    values = _singular_values(up, down) * abs(scale_of(parts))
    return ModuleNorm(name, rank, alpha, float(values.norm()), float(values.max()), effective_rank(values))


def _singular_values(up: Tensor, down: Tensor) -> Tensor:
    """Of ``up @ down``, by the eigenvalues of √A B √A, which are those of AB."""
    import torch

    values, vectors = torch.linalg.eigh(up.T @ up)
    root = vectors * values.clamp_min(0).sqrt()
    squares = torch.linalg.eigvalsh(root.T @ (down @ down.T) @ root).clamp_min(0)
    return squares.where(squares > _TOO_SMALL * squares.max(), torch.zeros_like(squares)).sqrt()


def effective_rank(values: Tensor) -> float:
    """exp(−Σ p ln p) with p = σ / Σσ: 4 for four equal singular values, 1 for a single one, 0 for none."""
    acting = values[values > 0]
    if not len(acting):
        return 0.0
    shares = acting / acting.sum()
    return math.exp(float(-(shares * shares.log()).sum()))
