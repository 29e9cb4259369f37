"""Kohya's names the other way: a LoRA as diffusers and PEFT name it.

Neither spelling has a place for an alpha that every version reads alike, so that the scale goes into up and
alpha is the rank. Where ranks differ within a model, all get the largest, filled up with zeros: diffusers
before 0.42 takes the first module's rank for everyone's alpha (``utils/peft_utils.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from wrapper.base_model.kinds import COMPONENTS, Component, Kind
from wrapper.lora.file import Lora
from wrapper.lora.made import MadeTensors
from wrapper.lora.names import Place
from wrapper.lora.spellings.parts import ALPHA, DOWN, UP
from wrapper.lora.spellings.paths import place_of
from wrapper.lora.spellings.read import OpenLora
from wrapper.safetensors_stream import Form

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
_A, _B, _PEFT = "lora_A.weight", "lora_B.weight", "base_model.model."
_CLASSES: Mapping[Component, tuple[str, str]] = {
    "unet": ("UNet2DConditionModel", "diffusers.models.unets.unet_2d_condition"),
    "te": ("CLIPTextModel", "transformers.models.clip.modeling_clip"),
    "te1": ("CLIPTextModel", "transformers.models.clip.modeling_clip"),
    "te2": ("CLIPTextModelWithProjection", "transformers.models.clip.modeling_clip"),
}


class Adapter(NamedTuple):
    """What PEFT's folder of one model holds: ``adapter_model.safetensors`` and ``adapter_config.json``."""

    tensors: MadeTensors
    config: dict[str, Any]


def under_diffusers_names(lora: Lora | OpenLora, kind: Kind) -> tuple[MadeTensors, dict[str, str]]:
    """Tensors and metadata of a file that ``load_lora_weights`` takes whole; ΔW is what it was.

    ``lora`` has Kohya's names and whole modules, as `read_any` gives them. Tensors keep their precision,
    unless a scale would round in it: then all are float32.
    """
    dropped = ("sshs_", "lora_adapter_metadata")
    kept = {key: value for key, value in lora.metadata.items() if not key.startswith(dropped)}
    return _named(lora, COMPONENTS[kind], _in_diffusers), {**kept, "format": "pt"}


def under_peft_names(lora: Lora | OpenLora, kind: Kind, *, flat_clip: bool = False) -> dict[str, Adapter]:
    """A PEFT adapter for each model that ``lora`` changes, by the model's folder.

    ``flat_clip``: for transformers 5 and later, whose CLIPTextModel has no ``text_model`` level (SDXL's
    second text encoder, a CLIPTextModelWithProjection, keeps it).
    """
    adapters = {}
    for component in COMPONENTS[kind]:
        level = "" if flat_clip and component != "te2" else NESTED
        tensors = _named(lora, (component,), lambda place, level=level: _in_peft(place, level))
        if tensors:
            adapters[FOLDERS[component]] = Adapter(tensors, _config(component, tensors))
    return adapters


def _in_diffusers(place: Place) -> str:
    return f"{FOLDERS[place.component]}.{_level(place, NESTED)}{place.path}"


def _in_peft(place: Place, text_level: str) -> str:
    return f"{_PEFT}{_level(place, text_level)}{place.path}"


def _level(place: Place, text_level: str) -> str:
    return "" if place.component == "unet" or place.path == "text_projection" else text_level


def _named(
    lora: Lora | OpenLora, components: Sequence[Component], name: Callable[[Place], str]
) -> MadeTensors:
    """The components' tensors as ``name`` calls a place: of one rank in each, and of one precision."""
    modules = lora.modules()
    places = {module: place_of(module) for module in sorted(modules)}
    places = {module: place for module, place in places.items() if place.component in components}

    def make(module: str) -> dict[str, Tensor]:
        down, up = _baked(modules[module])
        start = name(places[module])
        return {f"{start}.{_A}": down, f"{start}.{_B}": up}

    return _of_one_precision(_of_one_rank(MadeTensors.of(places, make), places))


def _of_one_rank(tensors: MadeTensors, places: Mapping[str, Place]) -> MadeTensors:
    components = {name: places[module].component for name, module in tensors.modules.items()}
    ranks: dict[Component, int] = {}
    for name, component in components.items():
        ranks[component] = max(ranks.get(component, 0), tensors.forms[name].shape[_rank_axis(name)])
    return tensors.in_forms(
        {
            name: _of_rank(form, ranks[components[name]], _rank_axis(name))
            for name, form in tensors.forms.items()
        }
    )


def _rank_axis(name: str) -> int:
    return 0 if name.endswith(_A) else 1


def _of_rank(form: Form, rank: int, axis: int) -> Form:
    return Form(form.dtype, (*form.shape[:axis], rank, *form.shape[axis + 1 :]))


def _baked(parts: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Down, and up times alpha / rank: in its precision where that is exact, else in float32."""
    scale = float(parts[ALPHA]) / parts[DOWN].shape[0]
    up = parts[UP]
    scaled = up.double() * scale
    same = scaled.to(up.dtype)
    return parts[DOWN], same if same.double().equal(scaled) else scaled.float()


def _of_one_precision(tensors: MadeTensors) -> MadeTensors:
    mixed = len({form.dtype for form in tensors.forms.values()}) > 1
    return tensors.in_dtype("F32") if mixed else tensors


def _config(component: Component, tensors: MadeTensors) -> dict[str, Any]:
    downs = {name: form for name, form in tensors.forms.items() if name.endswith(_A)}
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
        "target_modules": sorted(name.removeprefix(_PEFT).removesuffix(f".{_A}") for name in downs),
    }
