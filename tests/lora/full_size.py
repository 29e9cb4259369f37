"""The real SD 1.5 and SDXL as empty shells: their published sizes, no weights."""

from __future__ import annotations

from typing import Any

from wrapper.base_model.kinds import COMPONENTS, Component, Kind
from wrapper.lora.layers import Layer, model_layers

UNETS: dict[Kind, dict[str, Any]] = {
    "sd15": {
        "block_out_channels": (320, 640, 1280, 1280),
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
    "sdxl": {
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20}


def full_size_models(kind: Kind) -> dict[Component, Any]:
    """U-Net and text encoders by component, on the meta device."""
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    encoders = (CLIP_L,) if kind == "sd15" else (CLIP_L, CLIP_G)
    with torch.device("meta"):
        models = [
            UNet2DConditionModel(**UNETS[kind]),
            *(CLIPTextModel(CLIPTextConfig(**c)) for c in encoders),
        ]
    return dict(zip(COMPONENTS[kind], models, strict=True))


def full_size_layers(kind: Kind, *, conv: bool = True) -> dict[str, Layer]:
    """Kohya name → layer of the real model."""
    return model_layers(full_size_models(kind), kind, conv=conv)
