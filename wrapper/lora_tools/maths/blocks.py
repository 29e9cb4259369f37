"""Which block of the model a LoRA module belongs to, as tables and pictures name it."""

from __future__ import annotations

import re

_BLOCK = re.compile(
    r"lora_unet_(?P<side>down_blocks|up_blocks|input_blocks|output_blocks|mid_block|middle_block)(?:_(?P<number>\d+))?"
)
_LDM_LAYERS = 3
"""Layers that LDM's row of blocks counts for each level: two and a sampler, going up three."""


def block_of(module: str) -> str:
    """The block of a module by its Kohya name; SDXL's are counted in levels, as SD 1.5's are.

    >>> block_of("lora_unet_up_blocks_1_attentions_0_proj_in"), block_of("lora_unet_input_blocks_4_1_proj_in")
    ('up 1', 'down 1')
    >>> block_of("lora_te2_text_model_encoder_layers_0_mlp_fc1")
    'te2'
    """
    match = _BLOCK.match(module)
    if not match:
        return module.split("_", 2)[1]
    side, number = match["side"], int(match["number"] or 0)
    if side.startswith("mid"):
        return "mid"
    if side == "input_blocks":
        return f"down {max(number - 1, 0) // _LDM_LAYERS}"
    if side == "output_blocks":
        return f"up {number // _LDM_LAYERS}"
    return f"{side.partition('_')[0]} {number}"


def block_order(block: str) -> tuple[int, str]:
    """A key that sorts blocks as the model runs: text encoders, then down, mid and up."""
    first = block.split()[0]
    return ({"down": 1, "mid": 2, "up": 3}.get(first, 0), block)
