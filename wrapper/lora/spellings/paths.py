"""The layers of SD 1.5's and SDXL's models by any path: diffusers' or LDM's, with dots or underscores.

All spellings of a path are alike once its dots are underscores, and the architectures are known, so that one
grammar takes them apart again. Paths that come out are diffusers' (`wrapper.lora.names.ldm_path` is the way
back). Sources: Rombach et al. 2022 and Podell et al. 2023 (their LDM configurations), diffusers 0.42.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from wrapper.lora.names import Place

LAYERS_PER_BLOCK = 2
_BLOCK = r"transformer_blocks_(?P<depth>\d+)_"
_ATTENTION = rf"(?P<attention>proj_in|proj_out|norm|{_BLOCK}(?P<inner>[a-z0-9_]+))"
_INNER: Mapping[str, str] = {
    **{f"attn{n}_to_{part}": f"attn{n}.to_{part}" for n in (1, 2) for part in "qkv"},
    **{f"attn{n}_to_out{end}": f"attn{n}.to_out.0" for n in (1, 2) for end in ("", "_0")},
    "ff_net_0_proj": "ff.net.0.proj",
    "ff_net_2": "ff.net.2",
    **{f"norm{n}": f"norm{n}" for n in (1, 2, 3)},
}
_RESNET: Mapping[str, str] = {
    **{name: name for name in ("conv1", "conv2", "conv_shortcut", "time_emb_proj", "norm1", "norm2")},
    "in_layers_0": "norm1",
    "in_layers_2": "conv1",
    "emb_layers_1": "time_emb_proj",
    "out_layers_0": "norm2",
    "out_layers_3": "conv2",
    "skip_connection": "conv_shortcut",
}
_OUTER: Mapping[str, str] = {
    "conv_in": "conv_in",
    "conv_out": "conv_out",
    "conv_norm_out": "conv_norm_out",
    "time_embedding_linear_1": "time_embedding.linear_1",
    "time_embedding_linear_2": "time_embedding.linear_2",
    "add_embedding_linear_1": "add_embedding.linear_1",
    "add_embedding_linear_2": "add_embedding.linear_2",
    "input_blocks_0_0": "conv_in",
    "out_0": "conv_norm_out",
    "out_2": "conv_out",
    "time_embed_0": "time_embedding.linear_1",
    "time_embed_2": "time_embedding.linear_2",
    "label_emb_0_0": "add_embedding.linear_1",
    "label_emb_0_2": "add_embedding.linear_2",
}
_DIFFUSERS = re.compile(
    r"(?P<block>(?:down_blocks|up_blocks)_\d+|mid_block)_"
    rf"(?:attentions_(?P<a>\d+)_{_ATTENTION}|resnets_(?P<r>\d+)_(?P<resnet>[a-z0-9_]+)"
    r"|(?P<sampler>downsamplers|upsamplers)_0_conv)"
)
_LDM = re.compile(
    r"(?P<side>input_blocks|output_blocks|middle_block)(?:_(?P<number>\d+))?_(?P<place>\d+)_(?P<rest>.+)"
)
_LDM_ATTENTION = re.compile(_ATTENTION)
_TEXT = re.compile(
    r"(?:text_model_)?encoder_layers_(?P<layer>\d+)_"
    r"(?:self_attn_(?:(?P<projection>q|k|v|out)_proj|to_(?P<short>q|k|v|out))|(?P<mlp>mlp_fc[12]))"
)


def unet_path(path: str) -> str | None:
    """A U-Net layer's path as diffusers has it, None when SD 1.5 and SDXL have no such layer.

    >>> unet_path("input_blocks.4.1.transformer_blocks.1.attn1.to_q")
    'down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q'
    """
    flat = path.replace(".", "_")
    if flat in _OUTER:
        return _OUTER[flat]
    if match := _DIFFUSERS.fullmatch(flat):
        return _of_diffusers(match)
    match = _LDM.fullmatch(flat)
    return _of_ldm(match) if match else None


def text_path(path: str) -> str | None:
    """A text encoder layer's path without the level that newer transformers leave out, None for no layer.

    >>> text_path("text_model_encoder_layers_3_mlp_fc1")
    'encoder.layers.3.mlp.fc1'
    """
    flat = path.replace(".", "_")
    if flat == "text_projection":
        return flat
    match = _TEXT.fullmatch(flat)
    if not match:
        return None
    if match["mlp"]:
        return f"encoder.layers.{match['layer']}.{match['mlp'].replace('_', '.')}"
    return f"encoder.layers.{match['layer']}.self_attn.{match['projection'] or match['short']}_proj"


def _of_diffusers(match: re.Match[str]) -> str | None:
    block = match["block"].replace("blocks_", "blocks.")
    if match["sampler"]:
        return f"{block}.{match['sampler']}.0.conv"
    if match["resnet"]:
        inner = _RESNET.get(match["resnet"])
        return inner and f"{block}.resnets.{match['r']}.{inner}"
    inner = _attention(match)
    return inner and f"{block}.attentions.{match['a']}.{inner}"


def _attention(match: re.Match[str]) -> str | None:
    if match["inner"] is None:
        return match["attention"]
    inner = _INNER.get(match["inner"])
    return inner and f"transformer_blocks.{match['depth']}.{inner}"


def _of_ldm(match: re.Match[str]) -> str | None:
    """LDM numbers blocks in one row, samplers counted with the rest; the middle has places only."""
    side, place, rest = match["side"], int(match["place"]), match["rest"]
    if side == "middle_block":
        return None if match["number"] else _layer("mid_block", place == 1, place // 2, rest)
    if match["number"] is None:
        return None
    number = int(match["number"]) - (side == "input_blocks")
    block, layer = divmod(number, LAYERS_PER_BLOCK + 1)
    if side == "input_blocks":
        if rest == "op":
            return f"down_blocks.{block}.downsamplers.0.conv"
        return _layer(f"down_blocks.{block}", place == 1, layer, rest)
    if rest == "conv":
        return f"up_blocks.{block}.upsamplers.0.conv"
    return _layer(f"up_blocks.{block}", place == 1, layer, rest)


def _layer(block: str, is_attention: bool, number: int, rest: str) -> str | None:
    if not is_attention:
        inner = _RESNET.get(rest)
        return inner and f"{block}.resnets.{number}.{inner}"
    match = _LDM_ATTENTION.fullmatch(rest)
    inner = match and _attention(match)
    return inner and f"{block}.attentions.{0 if block == 'mid_block' else number}.{inner}"


def place_of(module: str) -> Place:
    """The component and diffusers' path of a module by its Kohya name. Raises `ValueError` for another name.

    >>> place_of("lora_unet_input_blocks_4_1_proj_in")
    Place(component='unet', path='down_blocks.1.attentions.0.proj_in')
    """
    _, component, body = module.split("_", 2)
    path = unet_path(body) if component == "unet" else text_path(body)
    if path is None or component not in ("unet", "te", "te1", "te2"):
        raise ValueError(f"no module of SD 1.5 or SDXL has the Kohya name {module!r}")
    return Place(component, path)  # type: ignore[arg-type]
