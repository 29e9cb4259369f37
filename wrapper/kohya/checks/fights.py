"""Options that fight each other, and values that one file makes void in the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dataset_tools.pictures.buckets import Buckets
from wrapper.kohya.checks.fight import Values
from wrapper.kohya.checks.memory import is_here, model_kind
from wrapper.kohya.checks.options import Engine
from wrapper.kohya.checks.rules import NO_FOLDER, RULES, SD_RULES, SDXL_RULES, offloading
from wrapper.kohya.dataset_tables import Flavour
from wrapper.kohya.located import Located, Where
from wrapper.kohya.options import RENAMED, dataset_names, upstream_options
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView

_SMALLEST_STEP = {"sdxl_train_network": 32}
_TEXT_CHANGES = ("shuffle_caption", "caption_dropout_rate", "caption_tag_dropout_rate", "token_warmup_step")
_TEXT_IGNORED = (
    *("caption_dropout_every_n_epochs", "caption_prefix", "caption_suffix", "secondary_separator"),
    "enable_wildcard",
)
_UNCACHEABLE = ("color_aug", "random_crop")


def check_fights(
    train: Located,
    values: Values,
    views: Sequence[SubsetView],
    script: str,
    engine: Engine,
    findings: Findings,
) -> None:
    """Check the training file's values against each other, and both files against each other."""
    rules = (*RULES, *((offloading,) if engine == "sd-scripts" else ()))
    for rule in (*rules, *(SDXL_RULES if model_kind(values, script) == "sdxl" else SD_RULES)):
        if fight := rule(values):
            (findings.error if fight.fails else findings.warn)(_place(train, fight.text), fight.text)
    if script == "train_network_inpaint" and engine == "sd-scripts":
        _check_family(train, values, script, findings)
    _check_unused_folders(train, values, views, findings)
    _check_overridden(train, values, views, findings)
    _check_masks(train, values, views, script, findings)
    for view in views:
        _check_subset(view, values, findings)
    for view in {view.dataset: view for view in views}.values():
        _check_resolution(view, script, findings)


def _check_family(train: Located, values: Values, script: str, findings: Findings) -> None:
    """The inpaint script takes SDXL's own options only where the base is one, or `sdxl` says so."""
    if values.get("sdxl") or model_kind(values, script) == "sdxl" or not is_here(values):
        return
    for key in sorted(
        (set(upstream_options("sdxl_train_network")) - set(upstream_options("train_network"))) & set(values)
    ):
        findings.error(
            train.where_key(key), f"'{key}' is an option for SDXL, and the base is none.", "Leave it out."
        )


def _place(train: Located, text: str) -> Where:
    """Where the first key named in ``text`` stands."""
    return train.where_key(text.split("'")[1])


def _check_unused_folders(
    train: Located, values: Values, views: Sequence[SubsetView], findings: Findings
) -> None:
    if any(view.origin for view in views):
        if values.get("in_json") and values.get("reg_data_dir"):
            findings.error(train.where_key("reg_data_dir"), "'reg_data_dir' is ignored beside in_json.")
        return
    for key in NO_FOLDER if views else ():
        if values.get(key):
            text = f"'{key}' is ignored beside a dataset file."
            findings.error(train.where_key(key), text, "Leave it out.")


def _check_overridden(
    train: Located, values: Values, views: Sequence[SubsetView], findings: Findings
) -> None:
    """A default in the training file that every subset sets otherwise is never used."""
    renamed = {outer: inner for inner, outer in RENAMED.items()}
    standard = upstream_options("train_network")
    for key in (dataset_names("general") - set(RENAMED)) | set(renamed):
        inner = renamed.get(key, key)
        found = [_set_inside(view, inner) for view in views]
        if key not in values or not found or any(value in (None, values[key]) for value in found):
            continue
        if not _same_size(inner, values[key], views):
            text = f"'{key}' is never used: the dataset file sets '{inner}' = {found[0]!r}."
            tell = findings.warn if values[key] == standard[key].default else findings.error
            tell(_place(train, text), text, "Keep one of them.")


def _set_inside(view: SubsetView, key: str) -> object:
    """The value that a table of the dataset file gives, None for none."""
    return next((layer[key] for layer in view.layers[:-1] if layer.get(key) is not None), None)


def _same_size(key: str, value: object, views: Sequence[SubsetView]) -> bool:
    """``"512"``, ``"512,512"`` and 512 are one resolution."""
    from wrapper.trainer.option import parse_size

    return key == "resolution" and any(view.resolution == parse_size(value) for view in views)


def _check_masks(
    train: Located, values: Values, views: Sequence[SubsetView], script: str, findings: Findings
) -> None:
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
    masked = any(view.mask_folder or view.get("alpha_mask") for view in views)
    if values.get("masked_loss") and views and not masked:
        text = "'masked_loss' is ignored: no subset has conditioning_data_dir or alpha_mask."
        findings.error(_place(train, text), text)


def _check_subset(view: SubsetView, values: Values, findings: Findings) -> None:
    cached = values.get("cache_text_encoder_outputs") or values.get("cache_text_encoder_outputs_to_disk")
    for key in _TEXT_CHANGES if cached else ():
        if view.get(key):
            text = f"'{key}' changes captions, which cache_text_encoder_outputs does not allow."
            findings.error(view.where(key), text)
    for key in _TEXT_IGNORED if cached else ():
        if view.get(key):
            text = f"'{key}' is ignored beside cache_text_encoder_outputs: the bare captions are cached."
            findings.error(view.where(key), text)
    cached = values.get("cache_latents") or values.get("cache_latents_to_disk")
    for key in _UNCACHEABLE if cached else ():
        if view.get(key):
            findings.error(view.where(key), f"'{key}' does not work with cache_latents.")
    if view.get("face_crop_aug_range") and (cached or view.get("enable_bucket")):
        text = "'face_crop_aug_range' is ignored with buckets and with cache_latents."
        findings.error(view.where("face_crop_aug_range"), text)
    if view.get("caption_separator") == "" and any(view.get(key) for key in _TEXT_CHANGES):
        findings.error(view.where("caption_separator"), "'caption_separator' must not be empty.")
    if view.flavour == "masks":
        _check_beside_masks(view, findings)


def _check_beside_masks(view: SubsetView, findings: Findings) -> None:
    if view.get("random_crop"):
        findings.error(view.where("random_crop"), "'random_crop' does not work with masks.")
    if view.get("validation_split"):
        text = "'validation_split' fails with masks: the masks of the images held out are then too many."
        findings.error(view.where("validation_split"), text)


def _check_resolution(view: SubsetView, script: str, findings: Findings) -> None:
    if view.resolution is None:
        if view.get("resolution") is None:
            findings.error(view.where(), "'resolution' is missing.", "Set it for the dataset.")
        return
    if view.get("enable_bucket") is not True:
        return
    buckets, smallest = view.buckets(), smallest_step(script, view.flavour)
    if buckets is None or buckets.step % smallest:
        step = view.get("bucket_reso_steps")
        text = f"'bucket_reso_steps' must be a multiple of {smallest}, not {step!r}."
        findings.error(view.where("bucket_reso_steps"), text)
        return
    if not (buckets.no_upscale or _has_room(buckets)):
        text = (
            f"the resolution {view.resolution} or min_bucket_reso is under bucket_reso_steps {buckets.step}."
        )
        findings.error(view.where("bucket_reso_steps"), text, "Lower bucket_reso_steps.")
        return
    lowest = buckets.lowest - buckets.lowest % buckets.step
    highest = -(-buckets.highest // buckets.step) * buckets.step
    if min(view.resolution) < lowest:
        text = f"the resolution {view.resolution} is below min_bucket_reso {lowest}."
        findings.error(view.where("min_bucket_reso"), text, "Lower min_bucket_reso.")
    if max(view.resolution) > highest:
        text = f"the resolution {view.resolution} is above max_bucket_reso {highest}."
        findings.error(view.where("max_bucket_reso"), text, "Raise max_bucket_reso.")


def _has_room(buckets: Buckets) -> bool:
    """Whether sd-scripts can make its list of buckets without dividing by zero."""
    width, height = buckets.resolution
    return min(math.isqrt(width * height), buckets.lowest) >= buckets.step


def smallest_step(script: str, flavour: Flavour) -> int:
    """What ``bucket_reso_steps`` must be a multiple of; sd-scripts does not look at datasets with masks."""
    return 8 if flavour == "masks" else _SMALLEST_STEP.get(script, 64)
