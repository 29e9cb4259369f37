"""The forms of module names that A1111, Forge and ComfyUI look up, for a model of any size.

Learned from their loaders: A1111 1.10.1 ``networks.py``, ComfyUI 0.3.64 ``comfy/lora.py``.
"""

from __future__ import annotations

import re

from wrapper.base_model.kinds import Kind

_TEXT = r"text_model_encoder_layers_\d+_(?:self_attn_(?:q|k|v|out)_proj|mlp_fc[12])"
_BLOCK = r"transformer_blocks_\d+_(?:attn[12]_(?:to_[qkv]|to_out_0)|ff_net_(?:0_proj|2))"
_INNER = rf"(?:{_BLOCK}|proj_in|proj_out)"
_FORMS: dict[Kind, re.Pattern[str]] = {
    "sd15": re.compile(
        rf"lora_te_{_TEXT}|lora_unet_(?:(?:down|up)_blocks_\d+|mid_block)_(?:attentions_\d+_{_INNER}"
        r"|resnets_\d+_(?:conv1|conv2|conv_shortcut|time_emb_proj)|(?:down|up)samplers_0_conv)"
    ),
    "sdxl": re.compile(
        rf"lora_te[12]_{_TEXT}|lora_unet_(?:(?:input|output)_blocks_\d+|middle_block)_(?:\d+_{_INNER}"
        r"|\d+_(?:in_layers_2|emb_layers_1|out_layers_3|skip_connection)|0_op|2_conv)"
    ),
}


def has_known_form(name: str, kind: Kind) -> bool:
    """Whether the programs for ``kind`` know a module of this name; not the first convolution."""
    return bool(_FORMS[kind].fullmatch(name))
