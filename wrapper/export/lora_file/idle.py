"""Modules that change nothing, which a program asks for beside those that do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapper.export.source import ALPHA, DOWN, UP, Modules, component_of

if TYPE_CHECKING:
    from torch import Tensor

ATTENTION = "_self_attn_"


def for_a1111(modules: Modules) -> Modules:
    """For attentions of SDXL's second text encoder that are there in part: A1111 takes them whole only."""
    added: Modules = {}
    for name, parts in modules.items():
        attention, found, _ = name.partition(ATTENTION)
        if found and name.startswith("lora_te2_"):
            whole = [f"{attention}{ATTENTION}{part}_proj" for part in ("q", "k", "v", "out")]
            added |= {one: _idle(parts) for one in whole if one not in modules}
    return added


def for_diffusers(modules: Modules) -> Modules:
    """For text encoders without attention: diffusers (0.42.1) knows their part of a file by it."""
    known = {component_of(name) for name in modules if ATTENTION in name}
    added: Modules = {}
    for name, parts in modules.items():
        layer, found, _ = name.partition("_mlp_")
        if found and component_of(name) not in {"unet", *known}:
            known.add(component_of(name))
            added[f"{layer}{ATTENTION}q_proj"] = _idle(parts)
    return added


def _idle(like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Zeros for an attention's projection beside ``like``, whose narrower side is the encoder's width."""
    down, up = like[DOWN], like[UP]
    rank, width = down.shape[0], min(down.shape[1], up.shape[0])
    zeros = {DOWN: down.new_zeros(rank, width), UP: up.new_zeros(width, rank)}
    return {**zeros, ALPHA: like[ALPHA]} if ALPHA in like else zeros
