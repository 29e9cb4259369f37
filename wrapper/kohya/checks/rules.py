"""Values of a training file that fight each other, rule by rule, as sd-scripts v0.10.1 takes them.

Read from ``verify_training_args``, ``prepare_dataset_args``, ``get_optimizer``, ``get_scheduler_fix``,
``prepare_accelerator`` (library/train_util.py), ``verify_sdxl_training_args`` and both scripts' ``train``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wrapper.kohya.checks.fight import Fight, Values
from wrapper.kohya.checks.names import arguments, optimizer_name
from wrapper.kohya.checks.rate_rules import (
    adafactor,
    one_rate,
    own_schedule,
    rates,
    scheduler_arguments,
    text_rates,
    warmup,
)

Rule = Callable[[Values], Fight | None]
NO_FOLDER = ("train_data_dir", "reg_data_dir", "in_json")


def needs(key: str, *others: str, value: Any = None, fails: bool = True) -> Rule:
    """``key`` fails or does nothing unless one of ``others`` is set, to ``value`` if that is given."""

    def rule(values: Values) -> Fight | None:
        found = any(values.get(o) if value is None else _same(values.get(o), value) for o in others)
        if found or not _is_on(key, values.get(key)):
            return None
        named = " or ".join(f"'{other}'" for other in others)
        return Fight(f"'{key}' needs {named}" + ("." if value is None else f" = {value!r}."), fails)

    return rule


def _is_on(key: str, value: Any) -> bool:
    """Numbers under 1 switch samples off."""
    off = key.startswith("sample_every") and isinstance(value, int | float) and value <= 0
    return bool(value) and not off


def _same(found: Any, wanted: Any) -> bool:
    return str(found).lower() == str(wanted).lower()


def excludes(key: str, *others: str) -> Rule:
    def rule(values: Values) -> Fight | None:
        found = [other for other in others if values.get(other)]
        return Fight(f"'{key}' and '{found[0]}' exclude each other.") if values.get(key) and found else None

    return rule


def beats(key: str, other: str, *, fails: bool = True) -> Rule:
    """Where both are set, ``other`` is not used."""

    def rule(values: Values) -> Fight | None:
        both = values.get(key) and values.get(other)
        return Fight(f"'{other}' is ignored: '{key}' counts.", fails) if both else None

    return rule


def timesteps(values: Values) -> Fight | None:
    low, high = values.get("min_timestep") or 0, values.get("max_timestep") or 1000
    if not (isinstance(low, int) and isinstance(high, int)) or low < high or low == high < 1000:
        return None
    return Fight(f"'min_timestep' ({low}) must be under 'max_timestep' ({high}).")


def samplers(values: Values) -> Fight | None:
    sampled = any(values.get(f"sample_{when}") for when in ("at_first", "every_n_steps", "every_n_epochs"))
    name = values.get("sample_sampler")
    if sampled and name == "dpmsolver":
        return Fight(
            "'sample_sampler' = 'dpmsolver' fails with the diffusers of sd-scripts: use 'dpmsolver++'."
        )
    if sampled and name in ("lms", "k_lms"):
        return Fight(f"'sample_sampler' = '{name}' needs scipy, which sd-scripts does not come with.", False)
    return None


def trackers(values: Values) -> Fight | None:
    if values.get("log_with") in ("tensorboard", "all") and values.get("logging_dir") is None:
        return Fight("'log_with' needs 'logging_dir'.")
    if values.get("log_with") in ("wandb", "all"):
        return Fight("'log_with' needs the package wandb in sd-scripts' environment.", fails=False)
    return None


def workers(values: Values) -> Fight | None:
    if values.get("persistent_data_loader_workers") and values.get("max_data_loader_n_workers") == 0:
        return Fight("'persistent_data_loader_workers' fails with 'max_data_loader_n_workers' = 0.")
    return None


def full_precision(values: Values) -> Fight | None:
    for key in ("fp8_base", "fp8_base_unet"):
        if values.get(key) and values.get("mixed_precision", "no") == "no":
            return Fight(f"'{key}' needs 'mixed_precision' = 'fp16' or 'bf16'.")
    return None


def fused(values: Values) -> Fight | None:
    if not values.get("fused_backward_pass"):
        return None
    if optimizer_name(values) != "adafactor":
        return Fight("'fused_backward_pass' needs 'optimizer_type' = 'Adafactor'.")
    if values.get("gradient_accumulation_steps", 1) != 1:
        return Fight("'fused_backward_pass' fails with 'gradient_accumulation_steps' over 1.")
    return Fight("'fused_backward_pass' is ignored when a LoRA is trained.")


def initial_step(values: Values) -> Fight | None:
    first, last = values.get("initial_step"), values.get("max_train_steps", 1600)
    known = isinstance(first, int) and isinstance(last, int) and not values.get("max_train_epochs")
    if known and first and first >= last:
        return Fight(f"'initial_step' ({first}) must be under 'max_train_steps' ({last}).")
    return None


def shown_only(values: Values) -> Fight | None:
    if values.get("debug_dataset"):
        return Fight("'debug_dataset' shows the images and trains nothing.")
    return None


def captions(values: Values) -> Fight | None:
    typo, right = values.get("caption_extention"), values.get("caption_extension")
    if typo is not None and right is not None and typo != right:
        return Fight("'caption_extension' is ignored: 'caption_extention' counts.")
    return None


def folders(values: Values) -> Fight | None:
    if values.get("conditioning_data_dir"):
        return Fight("'conditioning_data_dir' is ignored here: it belongs to a subset of the dataset file.")
    return None


def layers(values: Values) -> Fight | None:
    """The outputs of the text encoder that there are: one of each layer, and its input."""
    skip, last = values.get("clip_skip"), 24 if values.get("v2") else 13
    if type(skip) is int and skip > last:
        return Fight(f"'clip_skip' must be {last} or less, not {skip}.")
    return None


def all_dropped(values: Values) -> Fight | None:
    """With a share of 1 no module of the network ever learns."""
    share = values.get("network_dropout")
    if isinstance(share, int | float) and share == 1:
        return Fight("'network_dropout' = 1 drops everything, so nothing is trained.")
    for name in ("rank_dropout", "module_dropout"):
        share = arguments(values, "network_args").get(name)
        if isinstance(share, int | float) and share >= 1:
            return Fight(f"'network_args': {name}={share} drops everything, so nothing is trained.")
    return None


def output_name(values: Values) -> Fight | None:
    """sd-scripts makes the folder ``output_dir``, and none below it."""
    name = values.get("output_name")
    if not isinstance(name, str) or "/" not in name:
        return None
    folder = (Path(str(values.get("output_dir"))) / name).parent
    if folder.is_dir() or folder == Path(str(values.get("output_dir"))):
        return None
    return Fight(f"'output_name' has a folder in it, and there is no {folder}: saving would fail.")


RULES: tuple[Rule, ...] = (
    excludes("network_train_unet_only", "network_train_text_encoder_only"),
    needs("cache_text_encoder_outputs", "network_train_unet_only"),
    needs("cache_text_encoder_outputs_to_disk", "network_train_unet_only"),
    needs("dim_from_weights", "network_weights"),
    needs("full_fp16", "mixed_precision", value="fp16"),
    needs("full_bf16", "mixed_precision", value="bf16"),
    full_precision,
    needs("adaptive_noise_scale", "noise_offset"),
    needs("noise_offset_random_strength", "noise_offset", fails=False),
    needs("ip_noise_gamma_random_strength", "ip_noise_gamma", fails=False),
    needs("scale_v_pred_loss_like_noise_pred", "v_parameterization"),
    needs("zero_terminal_snr", "v_parameterization", fails=False),
    excludes("v_pred_like_loss", "v_parameterization"),
    excludes("use_8bit_adam", "optimizer_type", "use_lion_optimizer"),
    excludes("use_lion_optimizer", "optimizer_type"),
    fused,
    beats("mem_eff_attn", "xformers", fails=False),
    beats("mem_eff_attn", "sdpa", fails=False),
    beats("xformers", "sdpa", fails=False),
    needs("masked_loss_normalize", "masked_loss"),
    needs("base_weights_multiplier", "base_weights", fails=False),
    needs("sample_every_n_epochs", "sample_prompts"),
    needs("sample_every_n_steps", "sample_prompts"),
    needs("sample_at_first", "sample_prompts"),
    needs("sample_prompts", "sample_at_first", "sample_every_n_epochs", "sample_every_n_steps", fails=False),
    beats("sample_every_n_epochs", "sample_every_n_steps"),
    beats("save_n_epoch_ratio", "save_every_n_epochs"),
    beats("max_train_epochs", "max_train_steps", fails=False),
    beats("initial_step", "initial_epoch"),
    beats("network_train_unet_only", "text_encoder_lr", fails=False),
    beats("network_train_text_encoder_only", "unet_lr", fails=False),
    needs("skip_until_initial_step", "resume", "initial_step", "initial_epoch", fails=False),
    needs("validate_every_n_steps", "validation_split", fails=False),
    needs("save_last_n_steps", "save_every_n_steps", fails=False),
    needs("save_last_n_epochs", "save_every_n_epochs", "save_n_epoch_ratio", fails=False),
    trackers,
    samplers,
    workers,
    warmup,
    adafactor,
    own_schedule,
    scheduler_arguments,
    timesteps,
    initial_step,
    shown_only,
    rates,
    one_rate,
    captions,
    folders,
    all_dropped,
    output_name,
)


def sdxl_rules(values: Values) -> Fight | None:
    if values.get("v2"):
        return Fight("'v2' fails with sdxl_train_network.py.")
    if values.get("clip_skip") is not None:
        return Fight("'clip_skip' has no effect on SDXL, which always skips the last layer.", fails=False)
    return None


SD_RULES: tuple[Rule, ...] = (layers, text_rates(1))
SDXL_RULES: tuple[Rule, ...] = (sdxl_rules, text_rates(2))


def offloading(values: Values) -> Fight | None:
    if values.get("cpu_offload_checkpointing") and values.get("gradient_checkpointing"):
        return Fight("'cpu_offload_checkpointing' fails with the U-Nets of SD and SDXL.")
    return needs("cpu_offload_checkpointing", "gradient_checkpointing", fails=False)(values)
