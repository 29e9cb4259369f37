"""A1111's keys (1.10.1, ``extensions-builtin/Lora/networks.py``).

It turns a key into a module name of the model it runs and looks that up; what is not found is dropped
without a word. A module that is found but lacks down or up stops the whole file; the second text encoder's
attention is one module there, and takes q, k, v and out only together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from wrapper.base_model.kinds import Kind
from wrapper.export.key_maps.comfyui import comfyui_map
from wrapper.export.key_maps.original import original_path, underscored
from wrapper.lora.layers import Layer

_UNET_BLOCK = re.compile(
    r"lora_unet_(?P<side>down_blocks|mid_block|up_blocks)_(?:(?P<block>\d+)_)?"
    r"(?P<part>attentions|resnets|downsamplers|upsamplers)_(?P<number>\d+)_(?P<rest>.+)"
)
_RESNET = {
    "conv1": "in_layers_2",
    "conv2": "out_layers_3",
    "time_emb_proj": "emb_layers_1",
    "conv_shortcut": "skip_connection",
}
_OPENCLIP = {"mlp_fc1": "mlp_c_fc", "mlp_fc2": "mlp_c_proj"}
_TEXT = re.compile(r"lora_te(?P<number>[12]?)_text_model_encoder_layers_(?P<layer>\d+)_(?P<rest>.+)")


def a1111_map(kind: Kind, layers: Mapping[str, Layer]) -> dict[str, str]:
    """Every module name of ComfyUI's that A1111 finds too → the Kohya name of the layer it lands on."""
    modules = {module: name for name, layer in layers.items() for module in _modules(layer, kind)}
    found = {taken: modules.get(a1111_module(taken, kind)) for taken in comfyui_map(kind, layers)}
    return {taken: name for taken, name in found.items() if name is not None}


def a1111_module(name: str, kind: Kind) -> str:
    """The module of its model that A1111 looks for when it meets ``name``.

    >>> a1111_module("lora_unet_up_blocks_1_attentions_0_proj_in", "sd15")
    'output_blocks_3_1_proj_in'
    """
    block = _UNET_BLOCK.fullmatch(name)
    if block:
        return _unet_module(block)
    text = _TEXT.fullmatch(name)
    if text:
        return _text_module(name, text, kind)
    return name.removeprefix("lora_unet_")


def _unet_module(match: re.Match[str]) -> str:
    """Three places a level: two layers and a sampler on the way down, three layers on the way up."""
    first, number = 3 * int(match["block"] or 0), int(match["number"])
    part, attention = match["part"], int(match["part"] == "attentions")
    rest = _RESNET.get(match["rest"], match["rest"]) if part == "resnets" else match["rest"]
    if match["side"] == "mid_block":
        return f"middle_block_{1 if attention else 2 * number}_{rest}"
    if part == "downsamplers":
        return f"input_blocks_{first + 3}_0_op"
    if part == "upsamplers":
        return f"output_blocks_{first + 2}_{2 if first else 1}_conv"
    side, place = (
        ("input", first + 1 + number) if match["side"] == "down_blocks" else ("output", first + number)
    )
    return f"{side}_blocks_{place}_{attention}_{rest}"


def _text_module(name: str, match: re.Match[str], kind: Kind) -> str:
    if match["number"] == "2":
        return _openclip(match["layer"], match["rest"])
    encoder = "0_transformer" if kind == "sdxl" and match["number"] == "1" else "transformer"
    return name.replace(f"lora_te{match['number']}_", f"{encoder}_")


def _openclip(layer: str, rest: str) -> str:
    return f"1_model_transformer_resblocks_{layer}_{_OPENCLIP.get(rest, rest.replace('self_attn', 'attn'))}"


def _modules(layer: Layer, kind: Kind) -> Iterator[str]:
    """What the layer is called in the model that A1111 runs."""
    if layer.component == "unet":
        yield underscored(original_path(layer, kind))
        return
    path = underscored(layer.path.removeprefix("text_model."))
    if layer.component == "te2":
        number, rest = path.removeprefix("encoder_layers_").split("_", 1)
        yield _openclip(number, rest)
    else:
        yield f"{'0_' if layer.component == 'te1' else ''}transformer_text_model_{path}"
