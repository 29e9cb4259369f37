"""How wide and how high a picture may be."""

from __future__ import annotations

from dataset_tools.errors import UserError

SIDE_STEP = 8
"""Sides that a U-Net and its VAE take are multiples of this: one latent."""
MOST_SIDE_PX = 16384
"""ComfyUI's limit; what the memory holds is less."""


def is_side(px: int) -> bool:
    """Whether a picture may be so wide or so high."""
    return SIDE_STEP <= px <= MOST_SIDE_PX and px % SIDE_STEP == 0


def check_side(name: str, px: int) -> None:
    """Raise `UserError` for what is no side; ``name`` is what it is called, as ``"width"``."""
    if px < SIDE_STEP or px % SIDE_STEP:
        raise UserError(f"A {name} of {px} px is not a multiple of {SIDE_STEP}.")
    if px > MOST_SIDE_PX:
        raise UserError(f"A {name} of {px} px is more than {MOST_SIDE_PX}.")
