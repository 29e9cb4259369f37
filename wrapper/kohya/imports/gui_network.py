"""The LoRA types of kohya_ss → ``network_module`` and ``network_args``, as its ``lora_gui.py`` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataset_tools.errors import UserError, did_you_mean

_BLOCKS = (
    "down_lr_weight",
    "mid_lr_weight",
    "up_lr_weight",
    "block_lr_zero_threshold",
    "block_dims",
    "block_alphas",
    "conv_block_dims",
    "conv_block_alphas",
    "rank_dropout",
    "module_dropout",
)
_CONV = ("conv_dim", "conv_alpha")
_DROPOUT = ("rank_dropout", "module_dropout")
_TUCKER = ("use_tucker", "rank_dropout_scale", "train_norm")
_WIDE = (*_CONV, *_DROPOUT, *_TUCKER, "bypass_mode", "dora_wd", "use_scalar")
_PLAIN: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "Standard": ("networks.lora", (), _BLOCKS),
    "Kohya LoCon": ("networks.lora", _CONV, _BLOCKS),
    "LoRA-FA": ("networks.lora_fa", (), _BLOCKS),
    "Kohya DyLoRA": ("networks.dylora", (), (*_CONV, *_BLOCKS, "unit")),
}
"""Type → module, arguments that are always given, and those that are given when they are not empty or 0."""
_LYCORIS: dict[str, tuple[str, tuple[str, ...]]] = {
    "LoCon": ("locon", _WIDE),
    "LoHa": ("loha", _WIDE),
    "LoKr": ("lokr", (*_WIDE, "factor", "use_cp", "decompose_both")),
    "iA3": ("ia3", (*_CONV, "train_on_input")),
    "DyLoRA": ("dylora", (*_CONV, *_DROPOUT, "use_tucker", "train_norm", "unit")),
    "GLoRA": ("glora", (*_CONV, *_DROPOUT, *_TUCKER)),
    "BOFT": ("boft", (*_CONV, *_DROPOUT, *_TUCKER)),
    "Diag-OFT": ("diag-oft", (*_CONV, *_DROPOUT, *_TUCKER, "constrain", "rescaled")),
    "Native Fine-Tuning": ("full", (*_DROPOUT, "rank_dropout_scale", "train_norm")),
}
"""LyCORIS type → algorithm and arguments."""
_SPELT = {"unit": "block_size", "constrain": "constraint"}
"""Arguments that LyCORIS calls otherwise."""
_RATIOS = ("loraplus_lr_ratio", "loraplus_unet_lr_ratio", "loraplus_text_encoder_lr_ratio")
ARGUMENTS = {*_BLOCKS, *_RATIOS, "unit", "LyCORIS_preset", "LoRA_type"}
ARGUMENTS |= {key for _, keys in _LYCORIS.values() for key in keys}
"""Every key of a preset that is about the kind of network."""


def network(preset: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """(Kohya values, the keys of the preset that were used). Raises `UserError` for an unknown type."""
    kind = str(preset.get("LoRA_type") or "Standard")
    kind = "LyCORIS/LoCon" if kind == "LoCon" else kind
    if kind in _PLAIN:
        module, always, where_set = _PLAIN[kind]
        used = [*(key for key in always if key in preset), *(key for key in where_set if preset.get(key))]
        args = [f"{key}={preset[key]}" for key in used]
    elif kind.removeprefix("LyCORIS/") in _LYCORIS:
        module, (algorithm, keys) = "lycoris.kohya", _LYCORIS[kind.removeprefix("LyCORIS/")]
        used = [key for key in keys if key in preset]
        args = [f"preset={preset.get('LyCORIS_preset') or 'full'}", f"algo={algorithm}"]
        args += [f"{_SPELT.get(key, key)}={preset[key]}" for key in used]
    else:
        known = [*_PLAIN, *(f"LyCORIS/{name}" for name in _LYCORIS)]
        raise UserError(f"LoRA_type '{kind}' is not for SD 1.5 or SDXL. {did_you_mean(kind, known)}".strip())
    ratios = [key for key in _RATIOS if preset.get(key)]
    args += [f"{key}={preset[key]}" for key in ratios]
    values: dict[str, Any] = {"network_module": module}
    if args:
        values["network_args"] = args
    return values, {*used, *ratios, "LoRA_type", "LyCORIS_preset"}
