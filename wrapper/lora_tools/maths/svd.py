"""Singular values and vectors of a layer's change, exact where it is given as factors, else randomised."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

OVERSAMPLING = 16
POWER_ITERATIONS = 4
SEED = 2011


class Svd(NamedTuple):
    """``u`` (m, k) and ``vh`` (k, n) with orthonormal columns and rows, ``s`` (k,) from the largest down."""

    u: Tensor
    s: Tensor
    vh: Tensor


def svd_of_product(up: Tensor, down: Tensor) -> Svd:
    """All min(m, n, r) singular values of ``up`` (m, r) @ ``down`` (r, n), in float64, product never made.

    up = Q₁R₁ and downᵀ = Q₂R₂, so up @ down = Q₁(R₁R₂ᵀ)Q₂ᵀ, and the core is at most r × r.
    """
    import torch

    left, left_core = torch.linalg.qr(up.double())
    right, right_core = torch.linalg.qr(down.double().T)
    u, s, vh = torch.linalg.svd(left_core @ right_core.T, full_matrices=False)
    return Svd(left @ u, s, vh @ right.T)


def largest(matrix: Tensor, count: int) -> Svd:
    """The ``count`` largest singular values of ``matrix`` (m, n) with their vectors, in float32.

    A wide margin of them is asked of a randomised range finder with power iterations (Halko, Martinsson and
    Tropp 2011, algorithms 4.4 and 5.1); where that would be no less work, of the full decomposition. Equal
    matrices give equal results.
    """
    import torch

    matrix = matrix.float()
    width = count + max(OVERSAMPLING, count // 2)
    if 4 * width >= min(matrix.shape):
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    else:
        basis = _range(matrix, width)
        u, s, vh = torch.linalg.svd(basis.T @ matrix, full_matrices=False)
        u = basis @ u
    return Svd(u[:, :count], s[:count], vh[:count])


def _range(matrix: Tensor, width: int) -> Tensor:
    """An orthonormal basis (m, width) of what ``matrix`` mostly maps to, made orthonormal at each step."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    test = torch.randn(matrix.shape[1], width, generator=generator)
    basis = torch.linalg.qr(matrix @ test)[0]
    for _ in range(POWER_ITERATIONS):
        basis = torch.linalg.qr(matrix.T @ basis)[0]
        basis = torch.linalg.qr(matrix @ basis)[0]
    return basis
