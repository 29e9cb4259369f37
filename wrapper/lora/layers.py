"""Every layer that a LoRA can change: Kohya name → component, path, shape of the weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from wrapper.base_model.kinds import Component, Kind
from wrapper.lora.names import kohya_names


class Layer(NamedTuple):
    """A layer of a base model; the weight is ``(out, in)`` or ``(out, in, height, width)``."""

    component: Component
    path: str
    weight_shape: tuple[int, ...]


def model_layers(
    models: Mapping[Component, Any], kind: Kind, *, conv: bool = True, outer: bool = False
) -> dict[str, Layer]:
    """The layers of loaded models by component; a model may lie on the meta device.

    ``outer``: with those beside the blocks (`wrapper.lora.names.OUTER`), which some trainers change, too.
    """
    paths = {component: [path for path, _ in model.named_modules()] for component, model in models.items()}
    per_block = _layers_per_block(models["unet"]) if "unet" in models else 2
    places = kohya_names(paths, kind, conv=conv, outer=outer, layers_per_block=per_block)
    return {
        name: Layer(*place, _shape(models[place.component], place.path)) for name, place in places.items()
    }


def _shape(model: Any, path: str) -> tuple[int, ...]:
    layer = model.get_submodule(path)
    return tuple(getattr(layer, "base_layer", layer).weight.shape)


def _layers_per_block(unet: Any) -> int:
    """One number: LDM's row of blocks, which SDXL's names count, has as many layers in each."""
    layers = unet.config.layers_per_block
    return layers if isinstance(layers, int) else layers[0]
