"""What a LoRA file says about its training, under sd-scripts' ``ss_*`` names.

Captions stay out of it unless ``metadata_tag_frequency`` asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from wrapper import __version__
from wrapper.base_model.detect import BaseInfo
from wrapper.lora.metadata import base_model_facts, count_tags, training_metadata
from wrapper.trainer.config import Settings
from wrapper.trainer.data.pictures import PictureSet

PLAIN = (
    "learning_rate",
    "unet_lr",
    "text_encoder_lr",
    "gradient_checkpointing",
    "gradient_accumulation_steps",
    "lr_warmup_steps",
    "lr_scheduler",
    "network_module",
    "network_dropout",
    "mixed_precision",
    "clip_skip",
    "max_token_length",
    "cache_latents",
    "noise_offset",
    "noise_offset_random_strength",
    "max_grad_norm",
    "prior_loss_weight",
    "min_snr_gamma",
    "loss_type",
    "masked_loss",
    "masked_loss_normalize",
    "mask_jitter_px",
    "mask_dilate_px",
    "full_mask_share",
    "random_mask_share",
    "mask_variants",
    "training_comment",
)
"""Settings that are written as ``ss_<name>``."""
SPEC = ("title", "author", "description", "license", "tags", "usage_hint", "trigger_phrase")
"""Settings ``metadata_<name>`` that are written as ``modelspec.<name>``."""
MINIMUM = ("v2", "base_model_version", "network_module", "network_dim", "network_alpha", "network_args")
"""What ``no_metadata`` leaves of the ``ss_*``, as in sd-scripts."""


def run_metadata(
    settings: Settings, info: BaseInfo, sets: Sequence[PictureSet], facts: Mapping[str, Any], date: str
) -> dict[str, str]:
    """Everything known before the first step. ``facts`` are numbers of the run: steps, epochs, ranks."""
    values = {
        **{name: settings.values[name] for name in PLAIN},
        **base_model_facts(info.path),
        **facts,
        "optimizer": settings.optimizer_type or ("AdamW8bit" if settings.use_8bit_adam else "AdamW"),
        "num_train_images": sum(pictures.count(reg=False) for pictures in sets),
        "num_reg_images": sum(pictures.count(reg=True) for pictures in sets),
        "batch_size_per_device": sets[0].config.batch_size,
        "resolution": f"({sets[0].config.resolution[0]}, {sets[0].config.resolution[1]})",
        "enable_bucket": sets[0].config.enable_bucket,
        "bucket_info": bucket_info(sets),
        "dataset_dirs": folders(sets),
        "trainer": f"lorawrap {__version__} {settings.script}",
    }
    if settings.network_args:
        values["network_args"] = dict(arg.split("=", 1) for arg in settings.network_args)
    metadata = training_metadata(
        info.kind,
        info.inpaint,
        settings.output_name,
        values,
        resolution=sets[0].config.resolution,
        date=date,
        tag_frequency=tag_frequency(sets) if settings.metadata_tag_frequency else None,
    )
    spec = {f"modelspec.{name}": settings.values[f"metadata_{name}"] for name in SPEC}
    metadata |= {name: text for name, text in spec.items() if text is not None}
    return _minimum(metadata) if settings.no_metadata else metadata


def _minimum(metadata: Mapping[str, str]) -> dict[str, str]:
    kept = {f"ss_{name}" for name in MINIMUM}
    return {name: text for name, text in metadata.items() if name in kept or name.startswith("modelspec.")}


def bucket_info(sets: Sequence[PictureSet]) -> dict[str, Any]:
    """Images (repeats counted) by bucket."""
    counts: Counter[tuple[int, int]] = Counter()
    for pictures in sets:
        for picture in pictures.pictures:
            counts[picture.placement.bucket] += picture.repeats
    buckets = {
        str(number): {"resolution": list(size), "count": count}
        for number, (size, count) in enumerate(sorted(counts.items()))
    }
    return {"buckets": buckets}


def folders(sets: Sequence[PictureSet]) -> dict[str, dict[str, int]]:
    """Training folders by name; of equal names the later ones are numbered, as in sd-scripts."""
    found: dict[str, dict[str, int]] = {}
    for pictures in sets:
        for subset in pictures.config.subsets:
            if subset.is_reg:
                continue
            name, number = subset.image_dir.name, 2
            while name in found:
                name, number = f"{subset.image_dir.name} ({number})", number + 1
            count = sum(picture.subset is subset for picture in pictures.pictures)
            found[name] = {"n_repeats": subset.num_repeats, "img_count": count}
    return found


def tag_frequency(sets: Sequence[PictureSet]) -> dict[str, dict[str, int]]:
    """How often each comma-separated tag stands in a folder's captions."""
    captions: dict[str, list[str]] = {}
    for pictures in sets:
        for picture in pictures.pictures:
            captions.setdefault(picture.image.parent.name, []).append(picture.caption.lower())
    return count_tags(captions)
