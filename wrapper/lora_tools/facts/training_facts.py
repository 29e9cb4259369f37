"""What a LoRA's metadata say of its training, in rows of words.

Keys: sd-scripts v0.10.1 (``ss_*``), ModelSpec, OneTrainer (``ot_*``), ai-toolkit (``training_info``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from dataset_tools.data_text import from_json

_NOTHING = ("", "None", "False", "0", "0.0")
_NOISE = {
    "ss_noise_offset": "noise offset",
    "ss_multires_noise_iterations": "multires noise",
    "ss_multires_noise_discount": "multires discount",
    "ss_adaptive_noise_scale": "adaptive noise scale",
    "ss_ip_noise_gamma": "input perturbation",
    "ss_min_snr_gamma": "min-SNR",
    "ss_zero_terminal_snr": "zero terminal SNR",
    "ss_debiased_estimation": "debiased estimation",
    "ss_loss_type": "loss",
    "ss_huber_c": "Huber c",
}
_DROPOUTS = {
    "ss_network_dropout": "network",
    "ss_caption_dropout_rate": "captions",
    "ss_caption_dropout_every_n_epochs": "captions every n epochs",
    "ss_caption_tag_dropout_rate": "tags",
}
_SPEC_ROWS = ("title", "author", "description", "license", "usage_hint", "tags", "merged_from")


class Row(NamedTuple):
    """One line of facts."""

    label: str
    text: str


def training_rows(metadata: Mapping[str, str]) -> list[Row]:
    """All that is told of the training, the most asked first; empty values are left out."""
    return [row for row in _rows(metadata) if row.text]


def spec_rows(metadata: Mapping[str, str]) -> list[Row]:
    """What is told to readers: title, author, licence, …"""
    found = {name: metadata.get(f"modelspec.{name}", "") for name in _SPEC_ROWS}
    return [Row(name.replace("_", " "), text) for name, text in found.items() if text]


def _rows(metadata: Mapping[str, str]) -> Iterator[Row]:
    yield Row("base model", _base(metadata))
    yield Row("network", _network(metadata))
    yield Row("steps", _steps(metadata))
    yield Row("learning rate", _rates(metadata))
    yield Row("optimizer", _said(metadata, "ss_optimizer"))
    yield Row("scheduler", _scheduler(metadata))
    yield Row("images", _images(metadata))
    yield Row("resolution", _said(metadata, "ss_resolution") or _said(metadata, "modelspec.resolution"))
    yield Row("noise and loss", _named(metadata, _NOISE))
    yield Row("dropout", _named(metadata, _DROPOUTS))
    yield Row("precision", _said(metadata, "ss_mixed_precision"))
    yield Row("seed", metadata.get("ss_seed", "").replace("None", ""))
    yield Row("trained with", _trainer(metadata))
    yield Row("trained", _dates(metadata))
    yield Row("comment", _said(metadata, "ss_training_comment"))


def _said(metadata: Mapping[str, str], key: str) -> str:
    value = metadata.get(key, "")
    return "" if value in _NOTHING else value


def _base(metadata: Mapping[str, str]) -> str:
    digest = _said(metadata, "ss_new_sd_model_hash")[:10] or _said(metadata, "ss_sd_model_hash")
    parts = [_said(metadata, "ss_sd_model_name"), _said(metadata, "ss_base_model_version")]
    return ", ".join([part for part in parts if part] + ([f"hash {digest}"] if digest else []))


def _network(metadata: Mapping[str, str]) -> str:
    sizes = [("dim", "ss_network_dim"), ("alpha", "ss_network_alpha")]
    parts = [_said(metadata, "ss_network_module")]
    parts += [f"{label} {_said(metadata, key)}" for label, key in sizes if _said(metadata, key)]
    args = _table(metadata, "ss_network_args")
    return ", ".join([part for part in parts if part] + [f"{key} {value}" for key, value in args.items()])


def _steps(metadata: Mapping[str, str]) -> str:
    told = _table(metadata, "training_info")
    steps = _said(metadata, "ss_steps") or str(told.get("step", ""))
    wanted = _said(metadata, "ss_max_train_steps")
    parts = [f"{steps} of {wanted}" if wanted and wanted != steps and steps else steps or wanted]
    epochs = _said(metadata, "ss_epoch") or str(told.get("epoch", ""))
    of_epochs = _said(metadata, "ss_num_epochs")
    if epochs:
        parts.append(f"epoch {epochs}" + (f" of {of_epochs}" if of_epochs else ""))
    batch = _said(metadata, "ss_total_batch_size") or _said(metadata, "ss_batch_size_per_device")
    accumulated = _said(metadata, "ss_gradient_accumulation_steps")
    parts += [f"batch {batch}"] if batch else []
    parts += [f"gradients of {accumulated} steps"] if accumulated not in ("", "1") else []
    return ", ".join(part for part in parts if part)


def _rates(metadata: Mapping[str, str]) -> str:
    unet, text = _said(metadata, "ss_unet_lr"), _said(metadata, "ss_text_encoder_lr")
    parts = [_said(metadata, "ss_learning_rate")] if not unet else []
    parts += [f"U-Net {unet}"] if unet else []
    parts += [f"text encoder {text}"] if text else []
    return ", ".join(part for part in parts if part)


def _scheduler(metadata: Mapping[str, str]) -> str:
    warmup = _said(metadata, "ss_lr_warmup_steps")
    name = _said(metadata, "ss_lr_scheduler")
    return f"{name}, warm-up {warmup} steps" if name and warmup else name


def _images(metadata: Mapping[str, str]) -> str:
    folders = _table(metadata, "ss_dataset_dirs")
    counts = [entry for entry in folders.values() if isinstance(entry, dict)]
    pictures = sum(_whole(entry.get("img_count")) for entry in counts)
    folders_word = "folder" if len(counts) == 1 else "folders"
    parts = [f"{pictures} in {len(counts)} {folders_word}"] if pictures else []
    shown, prior = _said(metadata, "ss_num_train_images"), _said(metadata, "ss_num_reg_images")
    parts += [f"{shown} an epoch with repeats"] if shown else []
    parts += [f"{prior} class images"] if prior else []
    return ", ".join(parts)


def _named(metadata: Mapping[str, str], names: Mapping[str, str]) -> str:
    found = {label: _said(metadata, key) for key, label in names.items()}
    return ", ".join(f"{label} {value}" for label, value in found.items() if value and value != "l2")


def _trainer(metadata: Mapping[str, str]) -> str:
    commit = _said(metadata, "ss_sd_scripts_commit_hash")
    if commit and commit != "(unknown)":
        return f"sd-scripts {commit[:12]}"
    if revision := _said(metadata, "ot_revision"):
        return f"OneTrainer {revision}"
    software = _table(metadata, "software")
    return str(software.get("name", "")) if software else ""


def _dates(metadata: Mapping[str, str]) -> str:
    begun, ended = (_time(metadata.get(f"ss_training_{word}_at", "")) for word in ("started", "finished"))
    if ended is None and begun is None:
        return _said(metadata, "modelspec.date")
    day = f"{(ended or begun):%Y-%m-%d %H:%M} UTC"
    if begun is None or ended is None or ended < begun:
        return day
    minutes = round((ended - begun).total_seconds() / 60)
    return f"{day}, in {minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{day}, in {minutes} min"


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), tz=timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def _table(metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    try:
        found = from_json(metadata.get(key, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _whole(value: Any) -> int:
    return value if type(value) is int else 0
