"""The metadata of a LoRA file, as A1111, Forge and ComfyUI read them. Every value is a text.

``ss_*``: sd-scripts v0.10.1 ``train_network.py``; ``modelspec.*``: https://github.com/Stability-AI/ModelSpec.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dataset_tools.files import content_hash
from wrapper.base_model.kinds import Kind
from wrapper.lora.hashes import legacy_hash

BASE_VERSIONS: dict[Kind, str] = {"sd15": "sd_v1", "sdxl": "sdxl_base_v1-0"}
ARCHITECTURES: dict[Kind, str] = {
    "sd15": "stable-diffusion-v1/lora",
    "sdxl": "stable-diffusion-xl-v1-base/lora",
}
IMPLEMENTATIONS: dict[Kind, str] = {
    "sd15": "diffusers",
    "sdxl": "https://github.com/Stability-AI/generative-models",
}
INPAINT_HINT = "Made for an inpainting base model (9 channels): mask and masked image beside the latents."


def training_metadata(
    kind: Kind,
    inpaint: bool,
    output_name: str,
    settings: Mapping[str, Any],
    *,
    resolution: tuple[int, int],
    date: str = "",
    tag_frequency: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, str]:
    """All metadata of a trained LoRA but the hashes, which `write_lora` works out.

    ``settings`` are sd-scripts' ``ss_*`` values without the prefix (``network_dim``, ``steps``, …). Captions
    get in only as ``tag_frequency``; ``resolution`` is (width, height), ``date`` ISO 8601.
    An inpaint LoRA keeps the architecture of its kind, which Forge looks at, and says inpaint elsewhere.
    """
    leaking = {"tag_frequency", "datasets"} & set(settings)
    if leaking:
        raise ValueError(f"captions may only be given as tag_frequency=, not in settings: {sorted(leaking)}")
    facts = {
        "network_module": "networks.lora",
        **settings,
        "output_name": output_name,
        "base_model_version": BASE_VERSIONS[kind],
        "v2": False,
        **({"tag_frequency": tag_frequency} if tag_frequency is not None else {}),
    }
    told = {f"ss_{name}": as_text(value) for name, value in facts.items()}
    return {**told, **_modelspec(kind, inpaint, output_name, resolution, date)}


def _modelspec(
    kind: Kind, inpaint: bool, title: str, resolution: tuple[int, int], date: str
) -> dict[str, str]:
    spec = {
        "sai_model_spec": "1.0.1",
        "architecture": ARCHITECTURES[kind],
        "implementation": IMPLEMENTATIONS[kind],
        "title": title,
        "resolution": f"{resolution[0]}x{resolution[1]}",
        "prediction_type": "epsilon",
    }
    if date:
        spec["date"] = date
    if inpaint:
        spec |= {"tags": "inpainting", "usage_hint": INPAINT_HINT}
    return {f"modelspec.{name}": value for name, value in spec.items()}


def as_text(value: Any) -> str:
    """A value as sd-scripts writes it: JSON for tables and lists, Python's spelling for the rest.

    >>> as_text({"10_myface woman": {"n_repeats": 10}}), as_text(None), as_text(True)
    ('{"10_myface woman": {"n_repeats": 10}}', 'None', 'True')
    """
    return json.dumps(value) if isinstance(value, Mapping | list | tuple) else str(value)


def base_model_facts(path: Path) -> dict[str, str]:
    """``sd_model_name``, and for a single file the two hashes by which A1111 knows it."""
    facts = {"sd_model_name": path.name}
    if path.is_file():
        facts |= {"sd_model_hash": legacy_hash(path), "new_sd_model_hash": content_hash(path)}
    return facts


def count_tags(captions: Mapping[str, Iterable[str]]) -> dict[str, dict[str, int]]:
    """How often each comma-separated tag stands in a folder's captions, for ``ss_tag_frequency``."""
    return {
        folder: dict(Counter(tag for caption in found for tag in map(str.strip, caption.split(",")) if tag))
        for folder, found in captions.items()
    }
