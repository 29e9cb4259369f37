"""Putting LoRA files into a pipeline through PEFT, each module with its own rank and alpha.

ΔW = weight · alpha / rank · up @ down (Hu et al. 2021, section 4.1; sd-scripts ``networks/lora.py``).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.kinds import COMPONENTS, Component, Kind
from wrapper.lora.file import Lora
from wrapper.lora.fit import layer_faults, unknown_fault, value_faults
from wrapper.lora.layers import Layer, model_layers
from wrapper.lora.spellings.read import AnyLora, read_any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LoraUse:
    """A LoRA file and how strongly it acts; ``te_weight`` is for the text encoders, None for the same."""

    path: Path
    weight: float = 1.0
    te_weight: float | None = None

    def weight_of(self, component: Component) -> float:
        return self.weight if component == "unet" or self.te_weight is None else self.te_weight


@dataclass(frozen=True)
class Update:
    """One layer's update: ``scale · up @ down``."""

    path: str
    down: Tensor
    up: Tensor
    scale: float


def apply_loras(pipeline: Any, uses: Sequence[LoraUse]) -> None:
    """Add LoRAs to ``pipeline``, on top of those that it has. Nothing is changed when one does not fit.

    Raises one `UserError` that names every file that is not whole, or for another kind or size of base model.
    """
    kind, models = pipeline_models(pipeline)
    layers = model_layers(models, kind, outer=True)
    problems = Problems()
    loras = [fitting_lora(use.path, kind, layers, problems) for use in uses]
    problems.raise_if_any(hint="Give a LoRA that was trained for this kind and size of base model.")
    with weights_in_place(pipeline):
        for use, lora in zip(uses, loras, strict=True):
            for component, updates in _updates(lora, use, layers).items():
                _inject(models[component], updates)


def unload_loras(pipeline: Any) -> None:
    """Take every LoRA out again: the base's own layers are back in their places."""
    with weights_in_place(pipeline):
        for model in pipeline_models(pipeline)[1].values():
            wrapped = _peft_layers(model)
            for path, layer in wrapped.items():
                parent, _, name = path.rpartition(".")
                setattr(model.get_submodule(parent), name, layer.get_base_layer())
            if wrapped:
                del model.peft_config


@contextmanager
def weights_in_place(pipeline: Any) -> Iterator[None]:
    """Layer by layer offload leaves layers without weights between its calls: it is taken off meanwhile."""
    models = pipeline_models(pipeline)[1].values()
    if not any(weight.is_meta for model in models for weight in model.parameters()):
        yield
        return
    device = pipeline._execution_device
    pipeline.remove_all_hooks()
    try:
        yield
    finally:
        pipeline.enable_sequential_cpu_offload(device=device)


def pipeline_models(pipeline: Any) -> tuple[Kind, dict[Component, Any]]:
    """The pipeline's kind, and its U-Net and text encoders by component."""
    second = getattr(pipeline, "text_encoder_2", None)
    kind: Kind = "sd15" if second is None else "sdxl"
    models = (pipeline.unet, pipeline.text_encoder, second)
    return kind, dict(zip(COMPONENTS[kind], models, strict=False))


def fitting_lora(path: Path, kind: Kind, layers: Mapping[str, Layer], problems: Problems) -> Lora:
    """Read a LoRA in any spelling, under Kohya's names; what does not fit goes into ``problems``."""
    try:
        read = read_any(path, kind)
    except UserError as error:
        problems.add(path, error.message.removeprefix(f"{path}: "), error.hint)
        return Lora({}, {})
    for fault in _faults(read, kind, layers):
        problems.add(path, f"{fault}.")
    return read.lora


def _faults(read: AnyLora, kind: Kind, layers: Mapping[str, Layer]) -> list[str]:
    modules = read.lora.modules()
    if read.kind != kind:
        return [unknown_fault(sorted(set(modules) - set(layers)), read.kind, kind)]
    return [*layer_faults(modules, layers), *value_faults(modules)]


def _updates(lora: Lora, use: LoraUse, layers: Mapping[str, Layer]) -> dict[Component, list[Update]]:
    updates: dict[Component, list[Update]] = {}
    for name, parts in sorted(lora.modules().items()):
        component, path, _ = layers[name]
        down, up = parts["lora_down.weight"], parts["lora_up.weight"]
        scale = use.weight_of(component) * (alpha_of(parts) / down.shape[0])
        updates.setdefault(component, []).append(Update(path, down, up, scale))
    return updates


def alpha_of(parts: Mapping[str, Tensor]) -> float:
    """A module's alpha; without one it is the rank, as sd-scripts, A1111 and ComfyUI take it."""
    return float(parts["alpha"]) if "alpha" in parts else float(parts["lora_down.weight"].shape[0])


def _inject(model: Any, updates: Sequence[Update]) -> None:
    """One PEFT adapter for all updates of a model.

    PEFT's own table of ranks is searched by regular expression, layer by layer; here all have the largest
    rank instead, the others filled up with zeros, which changes no product.
    """
    from peft import LoraConfig, inject_adapter_in_model

    name = f"lora_{len(getattr(model, 'peft_config', {}))}"
    rank = max(update.down.shape[0] for update in updates)
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=[update.path for update in updates])
    with warnings.catch_warnings():  # a second adapter on a model is what is wanted here
        warnings.filterwarnings("ignore", message="Already found a `peft_config` attribute")
        inject_adapter_in_model(config, model, name, low_cpu_mem_usage=True)
    for update in updates:
        _fill(model.get_submodule(update.path), name, update)
    for layer in _peft_layers(model).values():
        layer.set_adapter(list(layer.lora_A))  # PEFT had left only the newest one active
    model.eval().requires_grad_(False)


def _peft_layers(model: Any) -> dict[str, Any]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return {path: layer for path, layer in model.named_modules() if isinstance(layer, BaseTunerLayer)}


def _fill(layer: Any, name: str, update: Update) -> None:
    from torch.nn import Parameter

    down, up = layer.lora_A[name], layer.lora_B[name]
    values = (_padded(update.down, down.weight, 0), _padded(update.up, up.weight, 1))
    for part, value in zip((down, up), values, strict=True):
        weight = layer.get_base_layer().weight
        part.weight = Parameter(value.to(weight.device, weight.dtype), requires_grad=False)
    layer.scaling[name] = update.scale
    layer.lora_alpha[name] = update.scale * layer.r[name]


def _padded(tensor: Tensor, like: Tensor, rank_axis: int) -> Tensor:
    """``tensor`` in the shape of ``like``, zeros where its rank is smaller."""
    shape = list(like.shape)
    shape[rank_axis] = tensor.shape[rank_axis]
    padded = tensor.new_zeros(like.shape)
    padded.narrow(rank_axis, 0, shape[rank_axis]).copy_(tensor.reshape(shape))
    return padded
