"""What a file is that is no LoRA for SD 1.5 or SDXL: its model or its form, known by its tensors' names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Other(NamedTuple):
    """What a file is, in words, and what to do with it."""

    what: str
    hint: str


_LAYERS: tuple[tuple[str, str], ...] = (
    ("AnimateDiff (a motion LoRA)", r"motion_modules[._]\d+[._]|temporal_transformer[._]"),
    (
        "FLUX",
        r"double_blocks[._]\d+[._](?:img|txt)_|single_blocks[._]\d+[._](?:linear|modulation|processor|norm\.)",
    ),
    ("FLUX", r"single_transformer_blocks[._]\d+[._]"),
    ("Qwen-Image", r"transformer_blocks[._]\d+[._](?:img|txt)_(?:mlp|mod)"),
    ("Stable Diffusion 3", r"joint_blocks[._]\d+[._]|transformer_blocks[._]\d+[._]attn[._]add_[qkv]_proj"),
    (
        "Stable Cascade or Würstchen",
        r"lora_prior_|down_blocks[._]\d+[._]\d+[._](?:kv_mapper|attention[._]attn)",
    ),
    ("Wan", r"blocks[._]\d+[._](?:cross|self)_attn[._][qkvo](?:[._]|$)"),
    (
        "Lumina or Z-Image",
        r"(?:noise|context)_refiner[._]\d+[._]|layers[._]\d+[._]attention[._](?:qkv|to_q|out)",
    ),
    ("PixArt", r"adaln_single|transformer_blocks[._]\d+[._]attn[12][._]to_[qkv].*"),
    ("a language model", r"layers[._]\d+[._](?:self_attn[._](?:q|k|v|o)_proj|mlp[._](?:gate|up|down)_proj)"),
    ("a T5 text encoder", r"encoder[._]block[._]\d+[._]layer"),
)
_MODELS = tuple((title, re.compile(rf"(?:^|[._]){form}")) for title, form in _LAYERS)
_OTHERS: tuple[tuple[str, Other], ...] = (
    (
        r"(?:unet|text_encoder):\d+:(?:up|down)",
        Other(
            "is a LoRA in cloneofsimo's old form, whose layers are numbered and not named",
            "Convert it with the lora_diffusion package that made it.",
        ),
    ),
    (
        r"lllite_.*",
        Other("is a ControlNet-LLLite, not a LoRA", "Use it in ComfyUI with the ControlNet-LLLite node."),
    ),
    (
        r"string_to_(?:param|token).*|emb_params|clip_[lg]|<.+>",
        Other(
            "is an embedding (textual inversion), not a LoRA",
            "Put it into embeddings/ of A1111 or models/embeddings of ComfyUI and name it in the prompt.",
        ),
    ),
    (
        r"(?:control_model\.|controlnet_|zero_convs\.|input_hint_block\.).*",
        Other("is a ControlNet, not a LoRA", "Use it with --controlnet."),
    ),
    (r"(?:image_proj|ip_adapter)\..*", Other("is an IP-Adapter, not a LoRA", "Use it as an IP-Adapter.")),
    (
        r"(?:model\.diffusion_model|first_stage_model|cond_stage_model|conditioner\.embedders)\..*\.(?:weight|bias)",
        Other(
            "is a whole checkpoint, not a LoRA",
            "Use it as a base model, or take the LoRA out of it with 'lorawrap lora extract'.",
        ),
    ),
    (
        r"(?:down_blocks|up_blocks|mid_block)\..*\.(?:weight|bias)",
        Other("holds a U-Net's own weights, not a LoRA", "Use it as a part of a base model."),
    ),
    (
        r"(?:encoder|decoder)\..*(?:conv_in|norm_out|conv_norm_out)\.weight",
        Other("is a VAE, not a LoRA", "Use it as the VAE of a base model."),
    ),
    (
        r"(?:text_model\.|encoder\.layers\.)?.*(?:token_embedding|layers\.0\.layer_norm1)\.weight",
        Other("is a text encoder, not a LoRA", "Use it as a part of a base model."),
    ),
)
_FORMS = tuple((re.compile(form), other) for form, other in _OTHERS)
_NOTHING = "Give a LoRA file (.safetensors) of SD 1.5 or SDXL."


def for_another(title: str) -> Other:
    """A LoRA whose base is neither SD 1.5 nor SDXL."""
    return Other(
        f"is a LoRA for {title}, not for SD 1.5 or SDXL",
        "lorawrap works with SD 1.5 and SDXL. Use this file in the program that knows its model.",
    )


def other_model(modules: Iterable[str]) -> Other | None:
    """The model that a LoRA of these layers is for, when it is a known one."""
    found = list(modules)
    for title, form in _MODELS:
        if any(form.search(module) for module in found):
            return for_another(title)
    return None


def not_a_lora(names: Mapping[str, object]) -> Other:
    """What a file is in which no tensor is named as a LoRA's."""
    for form, other in _FORMS:
        if any(form.fullmatch(name) for name in names):
            return other
    first = next(iter(sorted(names)), None)
    if first is None:
        return Other("has no tensors", _NOTHING)
    return Other(f"is no LoRA that is known here (its first tensor is '{first}')", _NOTHING)
