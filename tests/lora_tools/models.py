"""Tiny base models, changed and read back by the loader that pictures are drawn with."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from wrapper.base_model.detect import detect
from wrapper.base_model.kinds import COMPONENTS
from wrapper.base_model.load import load_components
from wrapper.lora.layers import model_layers


def weights(path: Path, tokenizers: Path) -> dict[str, Tensor]:
    """The weight of every layer of a base model by Kohya name, in float32, as diffusers loads it."""
    info = detect(path)
    parts = load_components(info, torch.float32, tokenizers)
    models = dict(zip(COMPONENTS[info.kind], (parts.unet, *parts.text_encoders), strict=True))
    return {
        name: models[layer.component].get_submodule(layer.path).weight.detach()
        for name, layer in model_layers(models, info.kind, outer=True).items()
    }
