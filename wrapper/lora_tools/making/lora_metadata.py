"""The metadata of LoRAs that are made of other models: whose they are, and for which base. No captions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wrapper.base_model.detect import BaseInfo
from wrapper.base_model.kinds import Kind
from wrapper.lora.leaks import without
from wrapper.lora.metadata import training_metadata

SIZES_PX: dict[Kind, int] = {"sd15": 512, "sdxl": 1024}
_TRIGGER = "modelspec.trigger_phrase"


def new_metadata(
    kind: Kind, name: str, network: Mapping[str, Any], parents: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """Metadata of a LoRA called ``name`` that was made of LoRAs with the metadata ``parents``.

    It is for inpainting when one of them is; their trigger phrases stand one behind the other.
    """
    parents = list(parents)
    size = SIZES_PX[kind]
    told = training_metadata(kind, any(map(is_inpaint, parents)), name, network, resolution=(size, size))
    triggers = dict.fromkeys(parent[_TRIGGER] for parent in parents if parent.get(_TRIGGER))
    return {**told, **({_TRIGGER: ", ".join(triggers)} if triggers else {})}


def changed_metadata(
    metadata: Mapping[str, str], kind: Kind, name: str, network: Mapping[str, Any], comment: str
) -> dict[str, str]:
    """A LoRA's own metadata without captions, with its present ``network`` and what was done to it."""
    kept = without(metadata, ["captions"])
    before = kept.get("ss_training_comment", "")
    comments = "; ".join(text for text in (comment, before) if text not in ("", "None"))
    facts = new_metadata(kind, name, {**network, "training_comment": comments}, [metadata])
    kept.pop("ss_network_args", None)
    defaults = ("modelspec.resolution", "modelspec.implementation", "modelspec.prediction_type")
    return {**facts, **kept, **{key: value for key, value in facts.items() if key not in defaults}}


def extracted_metadata(
    tuned: BaseInfo, base: BaseInfo, name: str, network: Mapping[str, Any]
) -> dict[str, str]:
    """Metadata of the LoRA called ``name`` that is the difference of two models."""
    comment = f"extracted from {tuned.path.name} and {base.path.name}"
    inpaint = {"modelspec.tags": "inpainting"} if base.inpaint else {}
    told = new_metadata(base.kind, name, {**network, "training_comment": comment}, [inpaint])
    return {**told, "ss_sd_model_name": base.path.name}


def is_inpaint(metadata: Mapping[str, str]) -> bool:
    """Whether a LoRA says that it was made for a base with 9 channels."""
    return "inpaint" in metadata.get("modelspec.tags", "").lower()
