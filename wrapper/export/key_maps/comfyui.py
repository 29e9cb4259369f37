"""ComfyUI's keys, and Forge's, which are the same for SD 1.5 and SDXL.

Learned from ComfyUI 0.3.64 ``comfy/lora.py`` and Forge ``packages_3rdparty/comfyui_lora_collection``: U-Net
layers go by their original names and by diffusers' block names; CLIP-L by ``lora_te_`` and ``lora_te1_``
alike; what is left over is a warning in ComfyUI, and more than 12 such keys make Forge drop the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wrapper.base_model.kinds import Component, Kind
from wrapper.export.key_maps.original import original_path, underscored
from wrapper.lora.layers import Layer

_TEXT_PREFIXES: Mapping[Component, tuple[str, ...]] = {
    "te": ("lora_te_", "lora_te1_"),
    "te1": ("lora_te_", "lora_te1_"),
    "te2": ("lora_te2_",),
}


def comfyui_map(kind: Kind, layers: Mapping[str, Layer]) -> dict[str, str]:
    """Every name beginning with ``lora_`` that ComfyUI and Forge take → the Kohya name of its layer."""
    return {taken: name for name, layer in layers.items() for taken in _names(layer, kind)}


def _names(layer: Layer, kind: Kind) -> Iterator[str]:
    if layer.component == "unet":
        yield f"lora_unet_{underscored(original_path(layer, kind))}"
        yield f"lora_unet_{underscored(layer.path)}"
        return
    for prefix in _TEXT_PREFIXES[layer.component]:
        yield prefix + underscored("text_model." + layer.path.removeprefix("text_model."))
