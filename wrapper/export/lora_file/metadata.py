"""The metadata of an exported file: the source's, made complete and harmless for what reads them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from dataset_tools.data_text import from_json
from dataset_tools.wording import some
from wrapper.export.source import DOWN, Source, component_of
from wrapper.export.wish import Wish
from wrapper.lora.apply import alpha_of
from wrapper.lora.leaks import Topic, leaks, without
from wrapper.lora.metadata import ARCHITECTURES, BASE_VERSIONS, IMPLEMENTATIONS

LEFT_OUT = ("ss_datasets", "lora_adapter_metadata")
"""Every subset with its folder, which no program reads; and the scales of the spelling it came in."""
MAX_VALUE_BYTES = 64 << 10
"""Such as a thumbnail within the file: ComfyUI shows no metadata when they are over 1 MiB in all."""
OBJECT_KEYS = ("ss_bucket_info", "ss_dataset_dirs")
"""What A1111's card editor takes for JSON objects, and fails on when they are none (1.10.1)."""


def file_metadata(wish: Wish, source: Source) -> dict[str, str]:
    """The source's metadata under the new name, complete for the loaders, without anybody's captions."""
    told = without(source.metadata, ["captions"])
    kept = {name: value for name, value in told.items() if not _is_dropped(name, value)}
    own = {
        "ss_output_name": wish.name,
        "ss_base_model_version": _base_version(kept, source),
        "ss_v2": "False",
        "ss_network_module": _network_module(kept),
        **_sizes(source),
        "modelspec.architecture": ARCHITECTURES[source.kind],
        "modelspec.implementation": IMPLEMENTATIONS[source.kind],
        "modelspec.title": wish.name,
        "modelspec.sai_model_spec": kept.get("modelspec.sai_model_spec", "1.0.0"),
    }
    words = {"modelspec.trigger_phrase": wish.trigger, "modelspec.description": wish.description}
    words["lorawrap_checkpoint"] = wish.origin
    return kept | own | {name: value for name, value in words.items() if value}


def _is_dropped(name: str, value: str) -> bool:
    if name in OBJECT_KEYS:
        return _is_long(value) or not _is_object(value)
    if name == "ss_training_started_at":
        return not _is_number(value)
    return name in LEFT_OUT or _is_long(value)


def left_out(source: Source) -> list[str]:
    """What of the source's metadata is too long to be kept."""
    told = without(source.metadata, ["captions"])
    return sorted(name for name, value in told.items() if name not in LEFT_OUT and _is_long(value))


def private_note(metadata: Mapping[str, str], path: Path) -> str:
    """A sentence for what ``metadata`` of the file at ``path`` still tell of their maker; else empty."""
    found: dict[Topic, list[str]] = {}
    for leak in leaks(metadata):
        found.setdefault(leak.topic, []).append(leak.key)
    if not found:
        return ""
    told = "; ".join(f"{topic} in {some(keys)}" for topic, keys in found.items())
    clean = f"lorawrap lora edit {shlex.quote(str(path))} --strip {','.join(found)} --out clean.safetensors"
    return f"Its metadata tell of who made it ({told}). Before you publish it: {clean}"


def _is_long(value: str) -> bool:
    return len(value.encode("utf-8", "replace")) > MAX_VALUE_BYTES


def _is_object(text: str) -> bool:
    try:
        return isinstance(from_json(text), dict)
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _base_version(kept: Mapping[str, str], source: Source) -> str:
    told = kept.get("ss_base_model_version", "")
    right = told and told.startswith("sdxl_") == (source.kind == "sdxl") and not told.startswith("sd_v2")
    return told if right else BASE_VERSIONS[source.kind]


def _network_module(kept: Mapping[str, str]) -> str:
    """What was converted is a plain LoRA now, whatever module trained it."""
    told = kept.get("ss_network_module", "")
    return told if told.startswith("networks.lora") else "networks.lora"


def _sizes(source: Source) -> dict[str, str]:
    """The commonest rank and alpha, the U-Net's where it has any."""
    modules = [parts for name, parts in source.modules.items() if component_of(name) == "unet"]
    modules = modules or list(source.modules.values())
    ranks = Counter(parts[DOWN].shape[0] for parts in modules)
    alphas = Counter(abs(alpha_of(parts)) or 1.0 for parts in modules)
    if not ranks:
        return {}
    return {
        "ss_network_dim": str(ranks.most_common(1)[0][0]),
        "ss_network_alpha": str(alphas.most_common(1)[0][0]),
    }


def is_for_inpainting(metadata: Mapping[str, str]) -> bool:
    """Whether a file says of itself that it was trained on an inpainting (9-channel) base."""
    told = " ".join(metadata.get(f"modelspec.{name}", "") for name in ("tags", "usage_hint", "architecture"))
    return "inpaint" in told.casefold()
