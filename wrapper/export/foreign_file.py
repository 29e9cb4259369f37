"""What is known of a LoRA file that comes alone: from its metadata, and from A1111's side-car beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from wrapper.export.lora_file.metadata import is_for_inpainting
from wrapper.export.wish import Wish
from wrapper.safetensors_header import read_header

MAX_SIDE_CAR_BYTES = 1 << 20
FIELDS = {
    "activation text": "trigger",
    "description": "description",
    "negative text": "negative",
    "notes": "notes",
}
"""A1111's fields in ``NAME.json`` → ours; ``preferred weight`` is a number."""


def wish_for(path: Path, name: str | None, **asked: Any) -> Wish:
    """A wish for any LoRA file; fields that were ``asked`` for (not None) stand over what the files say."""
    metadata = read_header(path).metadata
    found = {
        "trigger": metadata.get("modelspec.trigger_phrase", ""),
        "description": metadata.get("modelspec.description", ""),
        **_side_car(path.with_suffix(".json")),
        "uses": ("inpaint",) if is_for_inpainting(metadata) else (),
    }
    wanted = {**found, **{key: value for key, value in asked.items() if value is not None}}
    return Wish(path, name if name is not None else path.stem, prompt=wanted["trigger"], **wanted)


def _side_car(path: Path) -> dict[str, Any]:
    """A1111's own fields, where the file beside the LoRA has them; anything else is left alone."""
    data = _object(path)
    told = {ours: data[theirs] for theirs, ours in FIELDS.items() if isinstance(data.get(theirs), str)}
    weight = data.get("preferred weight")
    if isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < abs(weight) < 100:
        told["weight"] = float(weight)
    return {key: value for key, value in told.items() if value}


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file() or path.stat().st_size > MAX_SIDE_CAR_BYTES:
        return {}
    try:
        data = from_json(bounded_text(path, "utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
