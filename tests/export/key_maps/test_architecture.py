"""The written-out tables equal the real models' layers, module for module, built without weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from wrapper.export.key_maps.architecture import (
    TEXT_ENCODERS,
    UNETS,
    full_size_layers,
    text_layers,
    unet_layers,
)
from wrapper.lora.names import is_target

CONFIGS: dict[str, dict[str, Any]] = {
    "sd15": {"cross_attention_dim": 768},
    "sdxl": {
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}
NO_TARGETS = ("conv_in", "conv_out", "time_embedding", "add_embedding")


def weights(model: Any) -> dict[str, tuple[int, ...]]:
    layers = (torch.nn.Linear, torch.nn.Conv2d)
    return {n: tuple(m.weight.shape) for n, m in model.named_modules() if isinstance(m, layers)}


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_the_unets_layers_and_shapes_are_the_real_ones(kind: str):
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        real = weights(UNet2DConditionModel(**CONFIGS[kind]))
    wanted = {name: shape for name, shape in real.items() if not name.startswith(NO_TARGETS)}
    assert dict(unet_layers(UNETS[kind])) == wanted


@pytest.mark.parametrize(("component", "hidden", "layers"), [("te1", 768, 12), ("te2", 1280, 32)])
def test_the_text_encoders_layers_and_shapes_are_the_real_ones(component: str, hidden: int, layers: int):
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=layers)
    with torch.device("meta"):
        real = weights(CLIPTextModel(config))
    found = dict(text_layers(TEXT_ENCODERS["sdxl"][component]))
    assert found == {name.removeprefix("text_model."): shape for name, shape in real.items()}


@pytest.mark.parametrize(("kind", "plain", "every"), [("sd15", 264, 350), ("sdxl", 986, 1052)])
def test_as_many_as_the_loaders_of_the_uis_count(kind: str, plain: int, every: int):
    layers = full_size_layers(kind)
    assert len(layers) == every
    assert sum(is_target(layer.component, layer.path) for layer in layers.values()) == plain
