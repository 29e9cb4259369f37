"""A preset of kohya_ss (bmaltais' GUI) → Kohya's own keys, by the rules of its ``lora_gui.py``.

Old presets are read too: it renamed keys, and wrote numbers as strings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from dataset_tools.errors import UserError
from wrapper.kohya.imports.gui_network import ARGUMENTS, network
from wrapper.kohya.imports.trail import OFF, Trail
from wrapper.kohya.imports.values import number, split_words

RENAMED = {
    "optimizer": "optimizer_type",
    "max_resolution": "resolution",
    "lora_network_weights": "network_weights",
    "sdxl_no_half_vae": "no_half_vae",
    "sdxl_cache_text_encoder_outputs": "cache_text_encoder_outputs",
}
_FAMILIES = ("flux1", "sd3", "hunyuan_image", "anima", "lumina")
_LAUNCHER = "accelerate's own: `lorawrap train` has options for it"
_MENU = "a menu of the GUI"
_ELSEWHERE = {
    "num_cpu_threads_per_process": _LAUNCHER,
    "num_processes": _LAUNCHER,
    "num_machines": _LAUNCHER,
    "multi_gpu": _LAUNCHER,
    "gpu_ids": _LAUNCHER,
    "main_process_port": _LAUNCHER,
    "dynamo_backend": _LAUNCHER,
    "dynamo_mode": _LAUNCHER,
    "dynamo_use_fullgraph": _LAUNCHER,
    "dynamo_use_dynamic": _LAUNCHER,
    "extra_accelerate_launch_args": _LAUNCHER,
    "model_list": _MENU,
    "save_as": _MENU,
    "noise_offset_type": "says which of the noise keys count",
    "stop_text_encoder_training": "sd-scripts' network training has no such option",
    "no_token_padding": "sd-scripts' network training has no such option",
    "lowvram": "sd-scripts has no such option any more",
}
_ATTENTION = {"xformers": "xformers", "sdpa": "sdpa", "True": "xformers"}
_MULTIRES = ("multires_noise_iterations", "multires_noise_discount")
_ORIGINAL = ("noise_offset", "adaptive_noise_scale", "noise_offset_random_strength")
_OFF = ("", False, None, 0, "0")


def to_kohya(preset: Mapping[str, Any], trail: Trail) -> tuple[dict[str, Any], dict[str, str]]:
    """(Kohya values, Kohya key → the preset's key). What is off or has no counterpart is on the trail.

    Raises `UserError` for a preset of another family of models.
    """
    _refuse_others(preset)
    made, used = network(preset)
    names = dict.fromkeys(made, "LoRA_type")
    for key, value in preset.items():
        if key in used or key in ("sdxl", "epoch"):
            continue
        if key in ARGUMENTS:
            trail.drop(key, value, OFF if value in _OFF else "no part of this LoRA_type")
            continue
        found = dict(_meaning(key, value, preset))
        if not found:
            trail.drop(key, value, _why_nothing(key, value))
        made |= found
        names |= dict.fromkeys(found, key)
    said = _unless_rates_say_otherwise(preset)
    return {**made, **said}, {**names, **dict.fromkeys(said, "text_encoder_lr, unet_lr")}


def planned_steps(preset: Mapping[str, Any], uses: int, regularised: bool) -> int:
    """The ``max_train_steps`` that kohya_ss works out from epochs: images × repeats / batch × epochs."""
    batch = number(preset.get("train_batch_size")) or 1
    accumulated = number(preset.get("gradient_accumulation_steps")) or 1
    epochs = number(preset.get("epoch")) or 1
    return math.ceil(uses / batch / accumulated * epochs * (2 if regularised else 1))


def says_steps(preset: Mapping[str, Any]) -> bool:
    """Whether steps or epochs are said outright."""
    return any(number(preset.get(key)) for key in ("max_train_steps", "max_train_epochs"))


def _refuse_others(preset: Mapping[str, Any]) -> None:
    if "LoRA_type" not in preset and "network_dim" not in preset:
        hint = "A LoRA preset has LoRA_type and network_dim; a Kohya training file is a TOML."
        raise UserError("is no LoRA preset of kohya_ss.", hint)
    family = next((name for name in _FAMILIES if preset.get(f"{name}_checkbox")), None)
    if family:
        raise UserError(f"is for {family} models.", "Here SD 1.5 and SDXL are trained.")


def _meaning(key: str, value: Any, preset: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The Kohya keys that ``key`` stands for; none where it is off."""
    if key in _ELSEWHERE or key.startswith(_FAMILIES):
        return
    if key == "xformers":
        if attention := _ATTENTION.get(str(value)):
            yield attention, True
    elif key == "lr_warmup":
        if number(value) and not number(preset.get("lr_warmup_steps")):
            yield "lr_warmup_steps", (number(value) or 0) / 100
    elif key == "text_encoder_lr":
        if rate := number(value):
            yield key, rate
    elif key == "use_wandb":
        if value in (True, "True"):
            yield "log_with", "wandb"
    elif key == "additional_parameters":
        yield from _command_line(str(value or ""))
    elif key in ("optimizer_args", "lr_scheduler_args") and isinstance(value, str):
        if value.strip():
            yield key, split_words(value)
    elif _counts(key, value, preset):
        yield RENAMED.get(key, key), value


def _counts(key: str, value: Any, preset: Mapping[str, Any]) -> bool:
    """Whether kohya_ss hands ``key`` on to sd-scripts."""
    multires = preset.get("noise_offset_type") == "Multires"
    if key == "max_data_loader_n_workers":
        return number(value) is not None
    if value in _OFF or (isinstance(value, str) and number(value) == 0):
        return False
    if key in _MULTIRES:
        return multires
    if key in _ORIGINAL:
        return not multires
    if key == "clip_skip":
        return not preset.get("sdxl")
    if key == "max_token_length":
        return number(value) != 75
    if key == "lr_scheduler_power":
        return number(value) is not None
    return not key.startswith("sdxl_") or bool(preset.get("sdxl"))


def _why_nothing(key: str, value: Any) -> str:
    if value in _OFF or number(value) == 0:
        return OFF
    if key in _ELSEWHERE:
        return _ELSEWHERE[key]
    if key in (*_MULTIRES, *_ORIGINAL):
        return "off: noise_offset_type says the other kind of noise"
    if key == "max_token_length":
        return "75 is how it is without"
    if key == "clip_skip":
        return "SDXL training has none"
    return OFF if value in ("none", "None") else "not for these models"


def _command_line(text: str) -> Iterator[tuple[str, Any]]:
    """``--flag --key value`` as keys: kohya_ss adds this text to sd-scripts' command line."""
    words = split_words(text)
    starts = [place for place, word in enumerate(words) if word.startswith("--")]
    for start, end in pairwise([*starts, len(words)]):
        name, separator, inline = words[start][2:].partition("=")
        values = [inline] if separator else words[start + 1 : end]
        yield name, values[0] if len(values) == 1 else values or True


def _unless_rates_say_otherwise(preset: Mapping[str, Any]) -> dict[str, Any]:
    """A rate of 0 beside one that is not: that part is not trained."""
    text, unet = (number(preset.get(key)) or 0 for key in ("text_encoder_lr", "unet_lr"))
    if unet and not text:
        return {"network_train_unet_only": True}
    return {"network_train_text_encoder_only": True} if text and not unet else {}
