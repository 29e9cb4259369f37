"""The layers under the names that the models were published with, which A1111, Forge and ComfyUI run."""

from __future__ import annotations

from wrapper.base_model.kinds import Kind
from wrapper.lora.layers import Layer
from wrapper.lora.names import ldm_path

_SD15_FIRST_UPSAMPLER = "up_blocks.0.upsamplers.0.conv"


def original_path(layer: Layer, kind: Kind) -> str:
    """A U-Net layer's path in the original code (CompVis' ``openaimodel.py``).

    SD 1.5's lowest level has no attention, so that its upsampler comes one place earlier.
    """
    if kind == "sd15" and layer.path == _SD15_FIRST_UPSAMPLER:
        return "output_blocks.2.1.conv"
    return ldm_path(layer.path)


def underscored(path: str) -> str:
    return path.replace(".", "_")
