"""Options that fight each other, and values that the other file makes void."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wrapper.kohya.check_options import Engine, dataset_names
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView

Values = Mapping[str, Any]
_SMALLEST_STEP = {"sdxl_train_network": 32}
_TEXT_CHANGES = ("shuffle_caption", "caption_dropout_rate", "caption_tag_dropout_rate", "token_warmup_step")
_UNCACHEABLE = ("color_aug", "random_crop")


def _needs(key: str, other: str, value: Any = True) -> Callable[[Values], str]:
    """``key`` has no effect, or fails, unless ``other`` is ``value`` (True: is set at all)."""

    def rule(values: Values) -> str:
        found = values.get(other)
        if not values.get(key) or (found if value is True else found == value):
            return ""
        return f"'{key}' needs '{other}'" + ("." if value is True else f" = {value!r}.")

    return rule


def _not_with(key: str, *others: str) -> Callable[[Values], str]:
    def rule(values: Values) -> str:
        found = [other for other in others if values.get(other)]
        return f"'{key}' and '{found[0]}' exclude each other." if values.get(key) and found else ""

    return rule


def _warmup(values: Values) -> str:
    warmup = values.get("lr_warmup_steps")
    if not warmup:
        return ""
    if values.get("lr_scheduler", "constant") == "constant" and not values.get("lr_scheduler_type"):
        return "'lr_warmup_steps' fails with lr_scheduler 'constant': use 'constant_with_warmup'."
    if isinstance(warmup, float) and warmup > 1:
        return f"'lr_warmup_steps' with a decimal point is a share of all steps: {warmup} is over 1."
    return ""


def _timesteps(values: Values) -> str:
    low, high = values.get("min_timestep") or 0, values.get("max_timestep") or 1000
    numbers = isinstance(low, int) and isinstance(high, int)
    return f"'min_timestep' ({low}) must be under 'max_timestep' ({high})." if numbers and low >= high else ""


RULES: tuple[Callable[[Values], str], ...] = (
    _not_with("network_train_unet_only", "network_train_text_encoder_only"),
    _needs("cache_text_encoder_outputs", "network_train_unet_only"),
    _needs("cache_text_encoder_outputs_to_disk", "network_train_unet_only"),
    _needs("dim_from_weights", "network_weights"),
    _needs("full_fp16", "mixed_precision", "fp16"),
    _needs("full_bf16", "mixed_precision", "bf16"),
    _needs("adaptive_noise_scale", "noise_offset"),
    _needs("noise_offset_random_strength", "noise_offset"),
    _needs("scale_v_pred_loss_like_noise_pred", "v_parameterization"),
    _not_with("v_pred_like_loss", "v_parameterization"),
    _not_with("use_8bit_adam", "optimizer_type", "use_lion_optimizer"),
    _not_with("use_lion_optimizer", "optimizer_type"),
    _needs("fused_backward_pass", "optimizer_type", "Adafactor"),
    _not_with("xformers", "sdpa", "mem_eff_attn"),
    _not_with("sdpa", "mem_eff_attn"),
    _needs("masked_loss_normalize", "masked_loss"),
    _needs("log_with", "logging_dir"),
    _needs("sample_every_n_epochs", "sample_prompts"),
    _needs("sample_every_n_steps", "sample_prompts"),
    _needs("sample_at_first", "sample_prompts"),
    _needs("skip_until_initial_step", "resume"),
    _warmup,
    _timesteps,
)


def check_fights(
    train: Located,
    values: Values,
    views: Sequence[SubsetView],
    script: str,
    engine: Engine,
    findings: Findings,
) -> None:
    """Check the training file's values against each other, and both files against each other."""
    for fault in filter(None, (rule(values) for rule in RULES)):
        findings.error(_place(train, fault), fault)
    if values.get("max_train_epochs") and values.get("max_train_steps"):
        where = _place(train, "'max_train_steps'")
        findings.warn(where, "'max_train_epochs' beats 'max_train_steps'.", "Keep one of them.")
    for key in ("train_data_dir", "reg_data_dir", "in_json"):
        if values.get(key) and engine == "sd-scripts":
            where = _place(train, f"'{key}'")
            findings.error(where, f"'{key}' is ignored beside a dataset file.", "Leave it out.")
    _check_overridden(train, values, views, findings)
    _check_masks(values, views, script, findings)
    for view in views:
        _check_subset(view, values, findings)
    for view in {view.dataset: view for view in views}.values():
        _check_resolution(view, script, findings)


def _place(train: Located, text: str) -> str:
    """Where the first key named in ``text`` stands."""
    key = text.split("'")[1]
    for (table, name), _ in train.lines.items():
        if name == key:
            return train.where(table, key)
    return train.where()


def _check_overridden(
    train: Located, values: Values, views: Sequence[SubsetView], findings: Findings
) -> None:
    """A default in the training file that every subset sets otherwise is never used."""
    for key in dataset_names("general") | {"train_batch_size"}:
        inner = "batch_size" if key == "train_batch_size" else key
        set_in = [layer[inner] for view in views for layer in view.layers[:-1] if inner in layer][
            : len(views)
        ]
        if key in values and set_in and all(value != values[key] for value in set_in):
            text = f"'{key}' is never used: the dataset file sets '{inner}' = {set_in[0]!r}."
            findings.error(_place(train, text), text, "Keep one of them.")


def _check_masks(values: Values, views: Sequence[SubsetView], script: str, findings: Findings) -> None:
    for number in sorted({view.dataset for view in views}):
        members = [view for view in views if view.dataset == number]
        with_masks = [view for view in members if view.mask_folder]
        bare = [view for view in members if not view.mask_folder]
        if with_masks and bare:
            text = "this subset has no conditioning_data_dir, the others of its dataset have."
            findings.error(bare[0].where(), text, "Either every subset of a dataset has masks, or none.")
        elif with_masks and not values.get("masked_loss") and script != "train_network_inpaint":
            where = with_masks[0].where("conditioning_data_dir")
            findings.error(where, "'conditioning_data_dir' needs masked_loss = true in the training file.")
        elif bare and script == "train_network_inpaint":
            text = "an inpaint LoRA needs masks: conditioning_data_dir is missing."
            findings.error(bare[0].where(), text)


def _check_subset(view: SubsetView, values: Values, findings: Findings) -> None:
    changes = [key for key in _TEXT_CHANGES if view.get(key)]
    if values.get("cache_text_encoder_outputs") and changes:
        text = f"'{changes[0]}' changes captions, which cache_text_encoder_outputs does not allow."
        findings.error(view.where(changes[0]), text)
    moving = [key for key in _UNCACHEABLE if view.get(key)]
    if values.get("cache_latents") and moving:
        findings.error(view.where(moving[0]), f"'{moving[0]}' does not work with cache_latents.")


def _check_resolution(view: SubsetView, script: str, findings: Findings) -> None:
    if view.resolution is None:
        findings.error(view.file.where(f"datasets[{view.dataset}]"), "'resolution' is missing.")
        return
    if view.get("enable_bucket") is not True:
        return
    buckets, smallest = view.buckets(), _SMALLEST_STEP.get(script, 64)
    if buckets is None or buckets.step % smallest:
        step = view.get("bucket_reso_steps")
        text = f"'bucket_reso_steps' must be a multiple of {smallest}, not {step!r}."
        findings.error(view.where("bucket_reso_steps"), text)
        return
    lowest = buckets.lowest - buckets.lowest % buckets.step
    highest = -(-buckets.highest // buckets.step) * buckets.step
    if min(view.resolution) < lowest:
        text = f"the resolution {view.resolution} is below min_bucket_reso {lowest}."
        findings.error(view.where("min_bucket_reso"), text, "Lower min_bucket_reso.")
    if max(view.resolution) > highest:
        text = f"the resolution {view.resolution} is above max_bucket_reso {highest}."
        findings.error(view.where("max_bucket_reso"), text, "Raise max_bucket_reso.")
