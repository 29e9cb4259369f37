"""A tensor's name taken apart: whose spelling, which model, the layer's path, which part of the update.

Sources of the forms: sd-scripts ``networks/lora.py``; LyCORIS ``modules/``, ``wrapper.py`` (``lycoris_``);
peft 0.21 ``utils/save_and_load.py``; diffusers 0.42.1 ``loaders/lora_conversion_utils.py`` and
``utils/state_dict_utils.py``; ComfyUI 0.3.64 ``comfy/lora.py`` (``diffusion_model.``, ``text_encoders.``);
OneTrainer ``util/convert_lora_util.py`` (all of these); ai-toolkit ``toolkit/network_mixins.py``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

from wrapper.lora.spellings.paths import text_path, unet_path

Slot = Literal["unet", "te", "te1", "te2", "text"]
"""Which model: ``te`` and ``te1`` are both the first text encoder; ``text`` is one that has no number."""
Style = Literal["Kohya", "LyCORIS wrapper", "PEFT", "diffusers", "attention processors", "ComfyUI"]
DOWN, UP, MID, ALPHA = "lora_down.weight", "lora_up.weight", "lora_mid.weight", "alpha"
PLAIN = frozenset({DOWN, UP, MID, ALPHA})
_ADAPTER = r"(?:\.[\w-]+)?"
_PARTS: tuple[tuple[str, str], ...] = (
    (rf"lora_A{_ADAPTER}\.weight|lora_A", DOWN),
    (rf"lora_B{_ADAPTER}\.weight|lora_B", UP),
    (r"(?:lora|lora_linear_layer)\.down\.weight|lora_down\.weight", DOWN),
    (r"(?:lora|lora_linear_layer)\.up\.weight|lora_up\.weight", UP),
    (r"lora_mid\.weight", MID),
    (r"alpha", ALPHA),
    (rf"dora_scale|magnitude|lora_magnitude_vector{_ADAPTER}(?:\.weight)?", "dora_scale"),
    (rf"lora_B{_ADAPTER}\.bias|lora_up\.bias|diff_b", "diff_b"),
    (r"lora_embedding_[AB]" + _ADAPTER, "lora_embedding"),
    (rf"lora_E{_ADAPTER}|ranknum{_ADAPTER}", "lora_E"),
    *((rf"{name}{_ADAPTER}", name) for name in ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")),
    *((rf"{name}{_ADAPTER}", name) for name in ("hada_t1", "hada_t2", "lokr_t2", "lokr_w1", "lokr_w2")),
    *((rf"{name}{_ADAPTER}", name) for name in ("lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b")),
    *((re.escape(name), name) for name in ("diff", "w_norm", "b_norm", "set_weight", "reshape_weight")),
    *((re.escape(name), name) for name in ("scale", "scalar", "on_input", "rescale")),
    *((rf"{name}\.weight", f"{name}.weight") for name in ("a1", "a2", "b1", "b2", "bm")),
    (r"oft_(?:blocks|diag)|oft_[RS]\.\w+|oft_[rRsS](?:\.[\w-]+)?(?:\.weight)?|boft_[RS]\.?[\w-]*", "oft"),
    (rf"vera_lambda_[bd]{_ADAPTER}|ia3_l{_ADAPTER}", "base"),
)
_FORMS = tuple((re.compile(form), part) for form, part in _PARTS)
_LONGEST_PART = 3
_PROCESSOR = re.compile(
    r"(?P<module>.+?)(?:\.processor)?\.(?P<short>to_(?:q|k|v|out))_lora\.(?P<side>down|up)\.weight"
)
_FLAT = re.compile(
    r"(?P<model>lora_unet|lora_te1|lora_te2|lora_te|oft_unet|oft_te|lycoris)_(?P<path>[^.]+)\.(?P<part>.+)"
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


class TensorName(NamedTuple):
    """One tensor of a LoRA: ``module`` is what the file calls its layer, ``path`` diffusers' path of it.

    ``path`` is None for a layer that SD 1.5 and SDXL do not have, ``slot`` then a guess.
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
    if match := _FLAT.fullmatch(name):
        return _flat(match)
    if match := _PROCESSOR.fullmatch(name):
        module = f"{match['module']}.{match['short']}"
        return _dotted("attention processors", module, DOWN if match["side"] == "down" else UP)
    pieces = name.split(".")
    for count in range(min(_LONGEST_PART, len(pieces) - 1), 0, -1):
        tail = ".".join(pieces[-count:])
        if part := _known_part(tail):
            return _dotted(_style(tail), ".".join(pieces[:-count]), part)
    return None


def is_wrapped(name: str) -> bool:
    """Whether this is a name of PEFT's own files, beside which an ``adapter_config.json`` stands."""
    return name.startswith(_WRAPPED)


def _flat(match: re.Match[str]) -> TensorName:
    """Kohya's form: the path has underscores, the first dot begins the part."""
    model, path = match["model"], match["path"]
    slot: Slot = _SLOTS.get(model, "unet")
    found = unet_path(path) if slot == "unet" else text_path(path)
    style: Style = "LyCORIS wrapper" if model == "lycoris" else "Kohya"
    return TensorName(
        style, slot, found, _known_part(match["part"]) or match["part"], f"{model}_{path}", _is_ldm(path)
    )


@cache
def _known_part(tail: str) -> str | None:
    return next((part for form, part in _FORMS if form.fullmatch(tail)), None)


def _style(tail: str) -> Style:
    return "diffusers" if tail.startswith(("lora.", "lora_linear_layer.")) else "PEFT"


def _dotted(style: Style, module: str, part: str) -> TensorName:
    rest = module.removeprefix(_WRAPPED)
    match = _DOTTED.fullmatch(rest)
    if match is None:  # an empty path
        return TensorName(style, "unet", None, part, module)
    path = match["path"].removeprefix(_WRAPPED)
    model = match["model"]
    slot: Slot = _SLOTS.get(model or "", "unet")
    if model is None and match["native"] is None and text_path(path):
        slot = "text"
    if match["native"] or match["comfy"]:
        style = "ComfyUI"
    found = unet_path(path.removesuffix(".processor")) if slot == "unet" else text_path(path)
    return TensorName(style, slot, found, part, module, _is_ldm(path))


def _is_ldm(path: str) -> bool:
    return path.startswith(("input_blocks", "middle_block", "output_blocks", "out_", "out.", "time_embed_"))
