"""The change of a layer, ΔW = alpha / rank · up @ down, measured without ever making it.

⟨U₁D₁, U₂D₂⟩ = ⟨U₁ᵀU₂, D₁D₂ᵀ⟩ needs rank × rank matrices only (float64).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wrapper.lora.apply import alpha_of

if TYPE_CHECKING:
    from torch import Tensor

DOWN, UP = "lora_down.weight", "lora_up.weight"
Parts = Mapping[str, "Tensor"]
"""``lora_down.weight`` (r, in[, h, w]), ``lora_up.weight`` (out, r[, 1, 1]), maybe ``alpha``, a scalar."""


def delta_error(one: Parts, other: Parts) -> float:
    """‖ΔW₁ − ΔW₂‖ / ‖ΔW₁‖ (Frobenius). 0 when both are zero; infinite when only the first is, or for NaN."""
    own, cross, others = delta_product(one, one), delta_product(one, other), delta_product(other, other)
    if own == 0.0:
        return 0.0 if others == 0.0 else math.inf
    if not all(map(math.isfinite, (own, cross, others))):
        return math.inf
    return math.sqrt(max(0.0, own - 2 * cross + others) / own)


def delta_product(one: Parts, other: Parts) -> float:
    """⟨ΔW₁, ΔW₂⟩, the sum of the products of their entries."""
    up_one, up_other = one[UP].double().flatten(1), other[UP].double().flatten(1)
    down_one, down_other = one[DOWN].double().flatten(1), other[DOWN].double().flatten(1)
    product = (up_one.T @ up_other) * (down_one @ down_other.T)
    return float(product.sum()) * scale_of(one) * scale_of(other)


def scale_of(parts: Parts) -> float:
    """alpha / rank of a module."""
    return alpha_of(parts) / parts[DOWN].shape[0]
