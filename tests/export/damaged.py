"""LoRA files with one fault each, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.export.loras import plain_layers, save, tensors

Tensors = dict[str, Any]
LAYERS = dict(list(plain_layers("sd15").items())[:6])
FIRST = next(iter(LAYERS))
DOWN, UP, ALPHA = (f"{FIRST}.{part}" for part in ("lora_down.weight", "lora_up.weight", "alpha"))


def _without_up(made: Tensors) -> None:
    del made[UP]


def _not_a_number(made: Tensors) -> None:
    made[UP].view(-1)[0] = float("nan")


def _nothing(made: Tensors) -> None:
    for name in made:
        made[name] = made[name] * ("up" not in name)


def _narrow(made: Tensors) -> None:
    made[DOWN] = made[DOWN][:, 1:].contiguous()


def _other_ranks(made: Tensors) -> None:
    made[UP] = made[UP][:, :1].contiguous()


def _first_convolution(made: Tensors) -> None:
    for part in (DOWN, UP, ALPHA):
        made[part.replace(FIRST, "lora_unet_conv_in")] = made[part].clone()


def _both_kinds(made: Tensors) -> None:
    for part in (DOWN, UP, ALPHA):
        made[part.replace(FIRST, "lora_te2_text_model_encoder_layers_0_mlp_fc1")] = made[part].clone()


def _flux(made: Tensors) -> None:
    for name in list(made):
        made[name.replace("down_blocks_0_attentions_0", "double_blocks_0_img_attn")] = made.pop(name)


def _weight_decomposed(made: Tensors) -> None:
    made[f"{FIRST}.dora_scale"] = made[UP][:, :1].clone()


def _unknown_layer(made: Tensors) -> None:
    for part in (DOWN, UP, ALPHA):
        made[part.replace("down_blocks_0", "down_blocks_7")] = made.pop(part)


def _infinite_alpha(made: Tensors) -> None:
    made[ALPHA] = made[ALPHA] * float("inf")


def _embedding(made: Tensors) -> None:
    kept = made[DOWN]
    made.clear()
    made["emb_params"] = kept


FAULTS: dict[str, tuple[Callable[[Tensors], None], str]] = {
    "half a module": (_without_up, "lacks its up half"),
    "not a number": (_not_a_number, "not finite in 1 module"),
    "all zero": (_nothing, "0 of 6 modules change something"),
    "another width": (_narrow, "1 do not fit"),
    "down and up of other ranks": (_other_ranks, "has a down of rank 2 and an up of rank 1"),
    "the first convolution": (
        _first_convolution,
        "1 of 7 have no layer in Stable Diffusion 1.5: lora_unet_conv_in",
    ),
    "layers of two kinds": (_both_kinds, "has layers of SD 1.5 and of SDXL"),
    "another model": (_flux, "is a LoRA for FLUX"),
    "weight-decomposed": (_weight_decomposed, "is a DoRA"),
    "a layer that is not there": (_unknown_layer, "1 of 6 have no layer"),
    "an endless alpha": (_infinite_alpha, "not finite in 1 module"),
    "a textual inversion": (_embedding, "is an embedding (textual inversion), not a LoRA"),
}


def damaged(fault: str, folder: Path) -> Path:
    """A LoRA with ``fault``."""
    made = tensors(LAYERS)
    FAULTS[fault][0](made)
    return save(folder / "my ear.safetensors", made)
