"""ΔW of every form as a product of two matrices, exactly: ``scale · up @ down``.

Columns are a layer's inputs times its kernel's places, ``[r, in · kh · kw]``, rows its outputs, ``[out, r]``.
Sums are in float64; the caller rounds once.

- Tucker (LyCORIS ``functional/locon.py``): ΔW = up · (mid ×₂ down), so that ``mid ×₂ down`` is the down.
- LoHa (Hyeon-Woo et al. 2022, eq. 2): (A₁B₁) ∘ (A₂B₂) = (A₁ • A₂)(B₁ * B₂), the face-splitting and the
  Khatri-Rao product, of rank r₁ · r₂.
- LoKr (Yeh et al. 2024, section 3.2): (A₁B₁) ⊗ (A₂B₂) = (A₁ ⊗ A₂)(B₁ ⊗ B₂), of rank r₁ · r₂.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wrapper.lora.spellings.forms import Form
from wrapper.lora.spellings.parts import DOWN, MID, UP

if TYPE_CHECKING:
    from torch import Tensor

Parts = Mapping[str, "Tensor"]


def low_rank(form: Form, parts: Parts) -> tuple[Tensor, Tensor, int | None]:
    """Down ``[r, columns]``, up ``[rows, r]`` in float64, and the rank by which the form divides its alpha.

    That rank is None for forms that have no scale (a full difference, a LoKr of two whole matrices).

    >>> import torch
    >>> two, three = torch.tensor([[2.0]]), torch.tensor([[3.0]])
    >>> parts = dict(hada_w1_a=two, hada_w1_b=three, hada_w2_a=three, hada_w2_b=three)
    >>> down, up, rank = low_rank("LoHa", parts)
    >>> (up @ down).item(), rank
    (54.0, 1)
    """
    made = {part: tensor.double() for part, tensor in parts.items()}
    if form == "LoHa":
        return _hadamard(made)
    if form == "LoKr":
        return _kronecker(made)
    if form == "full":
        return *_whole(made["diff"].flatten(1)), None
    down, up = made[DOWN].flatten(1), made[UP].flatten(1)
    rank = down.shape[0]
    return (_core_times(made[MID], down) if form == "Tucker" else down), up, rank


def _hadamard(parts: Parts) -> tuple[Tensor, Tensor, int]:
    first = _pair(parts, "hada_w1", "hada_t1")
    second = _pair(parts, "hada_w2", "hada_t2")
    (up1, down1), (up2, down2) = first, second
    divided = parts["hada_w1_b"].shape[0]
    if up1.shape[1] * up2.shape[1] > min(up1.shape[0], down1.shape[1]):
        return *_whole((up1 @ down1) * (up2 @ down2)), divided
    up = (up1[:, :, None] * up2[:, None, :]).flatten(1)
    return (down1[:, None, :] * down2[None, :, :]).flatten(0, 1), up, divided


def _kronecker(parts: Parts) -> tuple[Tensor, Tensor, int | None]:
    up1, down1 = _pair(parts, "lokr_w1", "")
    up2, down2 = _pair(parts, "lokr_w2", "lokr_t2")
    factor = next((parts[name] for name in ("lokr_w2_b", "lokr_w1_b") if name in parts), None)
    divided = None if factor is None else factor.shape[0]
    size = min(up1.shape[0] * up2.shape[0], down1.shape[1] * down2.shape[1])
    if up1.shape[1] * up2.shape[1] > size:
        return *_whole(_kron(up1 @ down1, up2 @ down2)), divided
    return _kron(down1, down2), _kron(up1, up2), divided


def _kron(first: Tensor, second: Tensor) -> Tensor:
    """``first ⊗ second``; torch's own fails for some transposed matrices."""
    product = first[:, None, :, None] * second[None, :, None, :]
    return product.flatten(2, 3).flatten(0, 1)


def _pair(parts: Parts, name: str, core: str) -> tuple[Tensor, Tensor]:
    """Up and down of one matrix, which stands whole, as two factors, or as two around a core."""
    if name in parts:
        down, up = _whole(parts[name].flatten(1))
        return up, down
    first, second = parts[f"{name}_a"].flatten(1), parts[f"{name}_b"].flatten(1)
    if core in parts:
        return first.T, _core_times(parts[core], second)
    return first, second


def _whole(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix as the product of itself and one, on its shorter side."""
    import torch

    rows, columns = matrix.shape
    one = torch.eye(min(rows, columns), dtype=matrix.dtype)
    return (matrix, one) if rows <= columns else (one, matrix)


def _core_times(core: Tensor, down: Tensor) -> Tensor:
    """``core [m, n, kh, kw]`` and ``down [n, in]`` → ``[m, in · kh · kw]``."""
    import torch

    return torch.einsum("mnkl,ni->mikl", core, down).flatten(1)
