"""Which metadata programs depend on, and what of it cannot be set or removed without breaking one of them.

Read in A1111 1.10.1 (``extensions-builtin/Lora``), Forge, ComfyUI 0.3.64, diffusers 0.42.1 and the ModelSpec
(https://github.com/Stability-AI/ModelSpec).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dataset_tools.data_text import from_json
from dataset_tools.errors import did_you_mean
from wrapper.base_model.kinds import Kind
from wrapper.lora.metadata import ARCHITECTURES, BASE_VERSIONS, IMPLEMENTATIONS

COMFYUI_SHOWS = 1 << 20
"""Bytes of a header above which ComfyUI's ``/view_metadata`` answers 404."""
SPEC = "modelspec."
_SPEC_NAMES = [
    "sai_model_spec",
    "architecture",
    "implementation",
    "title",
    "description",
    "author",
    "date",
    "hash_sha256",
    "license",
    "usage_hint",
    "thumbnail",
    "tags",
    "merged_from",
    "trigger_phrase",
    "resolution",
    "prediction_type",
    "timestep_range",
    "encoder_layer",
    "implementation_version",
    "preprocessor",
    "is_negative_embedding",
    "unet_dtype",
    "vae_dtype",
]
_TABLES = ("ss_bucket_info", "ss_dataset_dirs", "ss_reg_dataset_dirs", "ss_tag_frequency")
_SHOWN_AS_TEXT = ("ss_output_name", "ss_sd_model_name", "ss_clip_skip", "ss_network_module")
_UNCALLABLE = set("<>:=,")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_CONFIGS = "lora_adapter_metadata"


def set_fault(key: str, value: str, kind: Kind | None) -> str:
    """Why ``key`` must not be set to ``value``; empty when it may. ``kind``: what the LoRA is for."""
    if _CONTROL.search(key + value):
        return "has characters that are no text"
    if not key.strip():
        return "has no name"
    if key.startswith("sshs_"):
        return "is worked out from the tensors"
    if key == _CONFIGS:
        return "holds the scale by which diffusers loads the file; `lorawrap lora convert` rewrites it"
    return _table_fault(key, value) or _known_fault(key, value) or _kind_fault(key, value, kind)


def remove_fault(key: str, kind: Kind | None) -> str:
    """Why ``key`` must not go; empty when it may."""
    if key.startswith("sshs_"):
        return "is worked out from the tensors"
    if key == _CONFIGS:
        return "holds the scale by which diffusers loads the file"
    if key == f"{SPEC}architecture":
        return "is how Forge tells which base model the LoRA is for"
    if key == "ss_base_model_version" and kind == "sdxl":
        return "is how A1111 tells that the LoRA is for SDXL"
    return ""


def unknown_spec_name(key: str) -> str:
    """A remark on a ``modelspec.`` name that the specification does not have; empty for any other."""
    name = key.removeprefix(SPEC)
    if not key.startswith(SPEC) or name in _SPEC_NAMES:
        return ""
    return f"No program reads {key!r}. {did_you_mean(name, _SPEC_NAMES)}".strip()


def required_spec(metadata: Mapping[str, str], kind: Kind | None) -> dict[str, str]:
    """What a file needs beside other ``modelspec.*`` so that they are read at all; {} when it has them."""
    if kind is None or not any(key.startswith(SPEC) for key in metadata):
        return {}
    needed = {
        "sai_model_spec": "1.0.1",
        "architecture": ARCHITECTURES[kind],
        "implementation": IMPLEMENTATIONS[kind],
    }
    return {f"{SPEC}{name}": value for name, value in needed.items() if f"{SPEC}{name}" not in metadata}


def _table_fault(key: str, value: str) -> str:
    """A1111 walks through these tables when its Lora tab is shown; anything else ends with an error there."""
    if key == "ss_datasets":
        return "" if _json(value) is not None else "has to be JSON"
    if key not in _TABLES:
        return ""
    table = _json(value)
    if not isinstance(table, dict):
        return "has to be a JSON object, which A1111 walks through"
    if key == "ss_tag_frequency" and not all(_counts(tags) for tags in table.values()):
        return 'has to be like {"folder": {"tag": 3}}, which A1111 adds up'
    if "dataset_dirs" in key and not all(isinstance(entry, dict) for entry in table.values()):
        return 'has to be like {"folder": {"n_repeats": 10, "img_count": 7}}'
    return ""


def _known_fault(key: str, value: str) -> str:
    if key in _SHOWN_AS_TEXT and value.startswith("{"):
        return "would be read as JSON by A1111, which shows it as text"
    if key == "ss_output_name" and (not value.strip() or _UNCALLABLE & set(value)):
        return "is a name to call the LoRA by in A1111: not empty, without < > : = ,"
    if key == "ss_training_started_at" and not _is_number(value):
        return "has to be a number of seconds, which A1111 shows as a date"
    if key == "format" and value != "pt":
        return "has to be 'pt', by which libraries know the file"
    if key == f"{SPEC}thumbnail" and not value.startswith("data:image/"):
        return "has to be a data: URL of a picture; --thumbnail FILE makes one"
    if key == f"{SPEC}resolution" and not re.fullmatch(r"\d+x\d+", value):
        return "has to be like 512x512"
    return ""


def _kind_fault(key: str, value: str, kind: Kind | None) -> str:
    if key == "ss_v2" and value != "False":
        return "has to be False: A1111 takes the LoRA for one of SD 2 otherwise"
    if kind is None:
        return ""
    if key == f"{SPEC}architecture" and value != ARCHITECTURES[kind]:
        return f"has to be {ARCHITECTURES[kind]}, by which Forge knows this LoRA's base model"
    if key == "ss_base_model_version" and value.startswith("sdxl_") != (kind == "sdxl"):
        return f"has to be like {BASE_VERSIONS[kind]}, by which A1111 knows this LoRA's base model"
    return ""


def _json(value: str) -> Any:
    try:
        return from_json(value)
    except ValueError:
        return None


def _counts(tags: Any) -> bool:
    return isinstance(tags, dict) and all(type(count) is int for count in tags.values())


def _is_number(value: str) -> bool:
    try:
        return float(value) >= 0
    except ValueError:
        return False
