"""A tensor's name taken apart: whose spelling, which model, the layer's path, which part of the update.

Sources of the forms: sd-scripts ``networks/lora.py``; LyCORIS ``wrapper.py`` (``lycoris_``); peft 0.21 and
diffusers 0.42.1 ``loaders/``; ComfyUI 0.3.64 ``comfy/lora.py`` (``diffusion_model.``, ``text_encoders.``);
OneTrainer ``util/convert_lora_util.py`` (all of these, by choice); ai-toolkit ``network_mixins.py``.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from wrapper.lora.spellings.parts import Split, split_part
from wrapper.lora.spellings.paths import text_path, unet_path

Slot = Literal["unet", "te", "te1", "te2", "text"]
"""Which model: ``te`` and ``te1`` are both the first text encoder; ``text`` is one that has no number."""
Style = Literal["Kohya", "LyCORIS wrapper", "PEFT", "diffusers", "attention processors", "ComfyUI"]
_FLAT = re.compile(r"(?P<model>lora_unet|lora_te1|lora_te2|lora_te|oft_unet|oft_te|lycoris)_(?P<path>.+)")
_UNKNOWN_PART = re.compile(
    r"(?P<module>(?:lora_unet|lora_te\d?|oft_unet|oft_te|lycoris)_[^.]+)\.(?P<part>.+)"
)
_SLOTS: dict[str, Slot] = {
    "lora_te": "te",
    "oft_te": "te",
    "lora_te1": "te1",
    "lora_te2": "te2",
    "text_encoder_2": "te2",
    "text_encoder_1": "te1",
    "text_encoder": "text",
    "clip_l": "text",
    "clip_g": "te2",
}
_WRAPPED = "base_model.model."
_DOTTED = re.compile(
    r"(?:(?P<comfy>text_encoders\.)?(?P<model>unet|text_encoder(?:_[12])?|clip_[lg])\."
    r"|(?P<native>(?:model\.)?diffusion_model)\.)?(?:transformer\.(?=text_model|encoder|text_proj))?(?P<path>.+)"
)
_LDM = ("input_blocks", "middle_block", "output_blocks", "out_", "out.", "time_embed_")


class TensorName(NamedTuple):
    """One tensor of a LoRA: ``module`` is what the file calls its layer, ``path`` diffusers' path of it.

    ``path`` is None for a layer that SD 1.5 and SDXL do not have, ``slot`` then a guess; ``ldm`` says that
    the file has LDM's path.
    """

    style: Style
    slot: Slot
    path: str | None
    part: str
    module: str
    ldm: bool = False


def read_name(name: str) -> TensorName | None:
    """Take a tensor's name apart; None for one that no LoRA has.

    >>> read_name("unet.mid_block.attentions.0.proj_in.lora_A.weight")[1:4]
    ('unet', 'mid_block.attentions.0.proj_in', 'lora_down.weight')
    """
    split = split_part(name)
    if split is None and (unknown := _UNKNOWN_PART.fullmatch(name)):
        split = Split(unknown["module"], unknown["part"], unknown["part"])
    if split is None:
        return None
    flat = _FLAT.fullmatch(split.module)
    return _flat(flat, split) if flat else _dotted(split)


def is_wrapped(name: str) -> bool:
    """Whether this is a name of PEFT's own files, beside which an ``adapter_config.json`` stands."""
    return name.startswith(_WRAPPED)


def _flat(match: re.Match[str], split: Split) -> TensorName:
    """Kohya's form, whose paths have underscores; some programs double them or leave dots in."""
    model, path = match["model"], re.sub(r"[_.]+", "_", match["path"]).strip("_")
    slot: Slot = _SLOTS.get(model, "unet")
    found = unet_path(path) if slot == "unet" else text_path(path)
    style: Style = "LyCORIS wrapper" if model == "lycoris" else "Kohya"
    return TensorName(style, slot, found, split.part, split.module, path.startswith(_LDM))


def _dotted(split: Split) -> TensorName:
    match = _DOTTED.fullmatch(split.module.removeprefix(_WRAPPED))
    if match is None:  # an empty path
        return TensorName(_style(split), "unet", None, split.part, split.module)
    model, path = match["model"], match["path"].removeprefix(_WRAPPED)
    slot: Slot = _SLOTS.get(model or "", "unet")
    if not model and not match["native"] and text_path(path):
        slot = "text"
    style: Style = "ComfyUI" if match["native"] or match["comfy"] else _style(split)
    found = unet_path(path) if slot == "unet" else text_path(path)
    return TensorName(style, slot, found, split.part, split.module, path.startswith(_LDM))


def _style(split: Split) -> Style:
    if split.tail == "processor":
        return "attention processors"
    return "diffusers" if split.tail.startswith(("lora.", "lora_linear_layer.")) else "PEFT"
