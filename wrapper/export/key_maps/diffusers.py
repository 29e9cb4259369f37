"""diffusers' keys in PEFT's spelling (0.42.1, ``loaders/lora_pipeline.py``)."""

from __future__ import annotations

from collections.abc import Mapping

from wrapper.base_model.kinds import Component
from wrapper.lora.layers import Layer

PREFIXES: Mapping[Component, str] = {
    "unet": "unet.",
    "te": "text_encoder.text_model.",
    "te1": "text_encoder.text_model.",
    "te2": "text_encoder_2.text_model.",
}


def diffusers_map(layers: Mapping[str, Layer]) -> dict[str, str]:
    """``unet.<path>`` and ``text_encoder.text_model.<path>`` → the Kohya name of the layer it lands on."""
    return {
        PREFIXES[layer.component] + layer.path.removeprefix("text_model."): name
        for name, layer in layers.items()
    }
