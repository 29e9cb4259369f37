"""Kohya's names of LoRA modules, from the architecture's own paths and never from a library's spelling.

A name is ``lora_<component>_<path with underscores>``. Paths are diffusers' for the U-Net and those of
`CLIPTextModelWithProjection` for text encoders; SDXL's U-Net goes by its LDM names
(``lora_unet_input_blocks_4_1_…``). Sources: sd-scripts v0.10.1 ``networks/lora.py`` and
``library/sdxl_model_util.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wrapper.base_model.kinds import COMPONENTS, Component, Kind

_NUMBERED = r"(?:down_blocks|up_blocks)\.\d+|mid_block"
_ATTENTION_TARGET = re.compile(
    rf"(?:{_NUMBERED})\.attentions\.\d+\."
    r"(?:proj_in|proj_out|transformer_blocks\.\d+\.(?:attn[12]\.(?:to_[qkv]|to_out\.0)|ff\.net\.(?:0\.proj|2)))"
)
_CONV_TARGET = re.compile(
    rf"(?:{_NUMBERED})\."
    r"(?:resnets\.\d+\.(?:conv1|conv2|conv_shortcut|time_emb_proj)|(?:down|up)samplers\.0\.conv)"
)
_TEXT_TARGET = re.compile(
    r"(?:text_model\.)?encoder\.layers\.\d+\.(?:self_attn\.(?:q|k|v|out)_proj|mlp\.fc[12])"
)
_LDM_INNER = {
    "resnets": {
        "norm1": "in_layers.0",
        "conv1": "in_layers.2",
        "time_emb_proj": "emb_layers.1",
        "norm2": "out_layers.0",
        "conv2": "out_layers.3",
        "conv_shortcut": "skip_connection",
    },
    "downsamplers": {"conv": "op"},
}
_LDM_OUTER = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
OUTER = {"unet": frozenset(_LDM_OUTER) - {"conv_norm_out"}, "te2": frozenset({"text_projection"})}
"""Layers beside the blocks by component: LyCORIS and OneTrainer train them, sd-scripts' LoRA does not."""
_LDM_PLACE = re.compile(
    r"(?P<side>mid_block|down_blocks|up_blocks)(?:\.(?P<block>\d+))?"
    r"\.(?P<part>resnets|attentions|downsamplers|upsamplers)\.(?P<number>\d+)"
    r"(?:\.(?P<inner>.+))?"
)

_KIND_MARKS: dict[Kind, tuple[str, ...]] = {
    "sd15": ("lora_te_", "lora_unet_down_blocks_", "lora_unet_up_blocks_", "lora_unet_mid_block_"),
    "sdxl": (
        "lora_te1_",
        "lora_te2_",
        "lora_unet_input_blocks_",
        "lora_unet_output_blocks_",
        "lora_unet_middle_block_",
    ),
}


class Place(NamedTuple):
    """A module of a base model: its component and its path in the running library."""

    component: Component
    path: str


def is_target(component: Component, path: str, *, conv: bool = False) -> bool:
    """Whether sd-scripts' ``networks.lora`` puts a LoRA on this module (``conv``: with ``conv_dim`` set)."""
    if component != "unet":
        return bool(_TEXT_TARGET.fullmatch(path))
    return bool(_ATTENTION_TARGET.fullmatch(path) or (conv and _CONV_TARGET.fullmatch(path)))


def kohya_name(component: Component, path: str, kind: Kind, *, layers_per_block: int = 2) -> str:
    """The Kohya name of one module.

    >>> kohya_name("te", "encoder.layers.0.mlp.fc1", "sd15")
    'lora_te_text_model_encoder_layers_0_mlp_fc1'
    >>> kohya_name("unet", "down_blocks.1.attentions.0.proj_in", "sdxl")
    'lora_unet_input_blocks_4_1_proj_in'
    """
    if component not in COMPONENTS[kind]:
        raise ValueError(f"{kind} has no component {component!r}, only {', '.join(COMPONENTS[kind])}")
    if component != "unet":
        outer = path in OUTER.get(component, ())
        path = path if outer else "text_model." + path.removeprefix("text_model.")
    elif kind == "sdxl":
        path = ldm_path(path, layers_per_block)
    return f"lora_{component}_{path.replace('.', '_')}"


def kohya_names(
    paths: Mapping[Component, Iterable[str]],
    kind: Kind,
    *,
    conv: bool = True,
    outer: bool = False,
    layers_per_block: int = 2,
) -> dict[str, Place]:
    """The reverse table: Kohya name → place, for every target among the given module paths.

    With ``outer`` the layers beside the blocks (`OUTER`) count, too.
    """
    return {
        kohya_name(component, path, kind, layers_per_block=layers_per_block): Place(component, path)
        for component, found in paths.items()
        for path in found
        if is_target(component, path, conv=conv) or (outer and path in OUTER.get(component, ()))
    }


def ldm_path(path: str, layers_per_block: int = 2) -> str:
    """A U-Net module's path in the original LDM code: ``up_blocks.0.resnets.1`` → ``output_blocks.1.0``.

    Upsamplers are taken to follow an attention, as in every SDXL. Raises `ValueError` for an unknown path.
    """
    if path in _LDM_OUTER:
        return _LDM_OUTER[path]
    match = _LDM_PLACE.fullmatch(path)
    if not match:
        raise ValueError(f"no LDM name for the U-Net module {path!r}")
    side, part, inner = match["side"], match["part"], match["inner"] or ""
    place = _ldm_place(side, int(match["block"] or 0), part, int(match["number"]), layers_per_block)
    return f"{place}.{_LDM_INNER.get(part, {}).get(inner, inner)}".removesuffix(".")


def _ldm_place(side: str, block: int, part: str, number: int, layers_per_block: int) -> str:
    """A block's part, numbered as LDM does: in one row, samplers counted with the rest."""
    is_attention = int(part == "attentions")
    first = block * (layers_per_block + 1)
    if side == "mid_block":
        return f"middle_block.{2 * number + is_attention}"
    if part == "downsamplers":
        return f"input_blocks.{first + layers_per_block + 1}.0"
    if part == "upsamplers":
        return f"output_blocks.{first + layers_per_block}.2"
    if side == "down_blocks":
        return f"input_blocks.{first + 1 + number}.{is_attention}"
    return f"output_blocks.{first + number}.{is_attention}"


def module_of(tensor_name: str) -> tuple[str, str]:
    """``lora_unet_x.lora_down.weight`` → ``("lora_unet_x", "lora_down.weight")``."""
    module, _, part = tensor_name.partition(".")
    return module, part


def kind_of(names: Iterable[str]) -> Kind | None:
    """SD 1.5 or SDXL, by the modules' names alone; None when they tell neither (or both)."""
    kinds = {kind for name in names for kind in _KIND_MARKS if marks_kind(name, kind)}
    return kinds.pop() if len(kinds) == 1 else None


def marks_kind(name: str, kind: Kind) -> bool:
    """Whether a module of this name is one that only a base of ``kind`` has."""
    return name.startswith(_KIND_MARKS[kind])
