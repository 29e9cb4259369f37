"""Kohya's names the other way: a LoRA as diffusers and PEFT name it.

Neither spelling has a place for an alpha that every version reads alike, so that the scale goes into up and
alpha is the rank. Where ranks differ within a model, all get the largest, filled up with zeros: diffusers
before 0.42 takes the first module's rank for everyone's alpha (``utils/peft_utils.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from wrapper.base_model.kinds import COMPONENTS, Component, Kind
from wrapper.lora.file import Lora
from wrapper.lora.spellings.parts import ALPHA, DOWN, UP
from wrapper.lora.spellings.paths import place_of

if TYPE_CHECKING:
    from torch import Tensor

FOLDERS: Mapping[Component, str] = {
    "unet": "unet",
    "te": "text_encoder",
    "te1": "text_encoder",
    "te2": "text_encoder_2",
}
"""A component's folder in a diffusers model, which is also how its tensors' names begin."""
NESTED = "text_model."
"""The level of text encoders in transformers before 5; diffusers takes it off where the model has none."""
_CLASSES: Mapping[Component, tuple[str, str]] = {
    "unet": ("UNet2DConditionModel", "diffusers.models.unets.unet_2d_condition"),
    "te": ("CLIPTextModel", "transformers.models.clip.modeling_clip"),
    "te1": ("CLIPTextModel", "transformers.models.clip.modeling_clip"),
    "te2": ("CLIPTextModelWithProjection", "transformers.models.clip.modeling_clip"),
}


class Adapter(NamedTuple):
    """What PEFT's folder of one model holds: ``adapter_model.safetensors`` and ``adapter_config.json``."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]


def under_diffusers_names(lora: Lora, kind: Kind) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file that ``load_lora_weights`` takes whole; ΔW is what it was.

    ``lora`` has Kohya's names and whole modules, as `read_any` gives them. Tensors keep their precision,
    unless a scale would round in it: then all are float32.
    """
    tensors = {
        f"{FOLDERS[component]}.{name}": tensor
        for component in COMPONENTS[kind]
        for name, tensor in _model_tensors(lora, component, NESTED).items()
    }
    dropped = ("sshs_", "lora_adapter_metadata")
    kept = {key: value for key, value in lora.metadata.items() if not key.startswith(dropped)}
    return _of_one_precision(tensors), {**kept, "format": "pt"}


def under_peft_names(lora: Lora, kind: Kind, *, flat_clip: bool = False) -> dict[str, Adapter]:
    """A PEFT adapter for each model that ``lora`` changes, by the model's folder.

    ``flat_clip``: for transformers 5 and later, whose CLIPTextModel has no ``text_model`` level (SDXL's
    second text encoder, a CLIPTextModelWithProjection, keeps it).
    """
    adapters = {}
    for component in COMPONENTS[kind]:
        level = "" if flat_clip and component != "te2" else NESTED
        tensors = _of_one_precision(_model_tensors(lora, component, level))
        if tensors:
            named = {f"base_model.model.{name}": tensor for name, tensor in tensors.items()}
            adapters[FOLDERS[component]] = Adapter(named, _config(component, tensors))
    return adapters


def _model_tensors(lora: Lora, component: Component, text_level: str) -> dict[str, Tensor]:
    modules = {place_of(name): parts for name, parts in sorted(lora.modules().items())}
    chosen = {place.path: parts for place, parts in modules.items() if place.component == component}
    rank = max((parts[DOWN].shape[0] for parts in chosen.values()), default=0)
    tensors = {}
    for path, parts in chosen.items():
        level = text_level if component != "unet" and path != "text_projection" else ""
        down, up = _baked(parts)
        tensors[f"{level}{path}.lora_A.weight"] = _filled(down, rank, 0)
        tensors[f"{level}{path}.lora_B.weight"] = _filled(up, rank, 1)
    return tensors


def _baked(parts: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Down, and up times alpha / rank: in its precision where that is exact, else in float32."""
    scale = float(parts[ALPHA]) / parts[DOWN].shape[0]
    up = parts[UP]
    scaled = up.double() * scale
    same = scaled.to(up.dtype)
    return parts[DOWN], same if same.double().equal(scaled) else scaled.float()


def _filled(tensor: Tensor, rank: int, axis: int) -> Tensor:
    """``tensor`` with zeros up to ``rank`` along ``axis``."""
    import torch

    shape = list(tensor.shape)
    shape[axis] = rank - shape[axis]
    return torch.cat([tensor, tensor.new_zeros(shape)], dim=axis) if shape[axis] else tensor


def _of_one_precision(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    dtypes = {tensor.dtype for tensor in tensors.values()}
    if len(dtypes) < 2:
        return dict(tensors)
    return {name: tensor.float() for name, tensor in tensors.items()}


def _config(component: Component, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    downs = {name.removesuffix(".lora_A.weight"): t for name, t in tensors.items() if ".lora_A." in name}
    rank = next(iter(downs.values())).shape[0]
    base_class, library = _CLASSES[component]
    return {
        "peft_type": "LORA",
        "task_type": None,
        "auto_mapping": {"base_model_class": base_class, "parent_library": library},
        "base_model_name_or_path": None,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(downs),
    }
