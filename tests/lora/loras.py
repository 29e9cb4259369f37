"""Random LoRA files for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wrapper.base_model.architecture import models_on_meta, read_configs
from wrapper.base_model.detect import detect
from wrapper.lora.file import write_lora
from wrapper.lora.layers import Layer, model_layers


def base_layers(folder: Path, outer: bool = False) -> dict[str, Layer]:
    """The layers of the base model in ``folder``; ``outer``: with those beside its blocks."""
    info = detect(folder)
    return model_layers(models_on_meta(read_configs(info), info.kind), info.kind, outer=outer)


def random_tensors(layers: Mapping[str, Layer], seed: int = 0, mixed: bool = True) -> dict[str, Any]:
    """A LoRA on every layer; with ``mixed``, rank and alpha differ from layer to layer."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for place, (name, layer) in enumerate(sorted(layers.items())):
        outputs, *inputs = layer.weight_shape
        rank = 1 + place % 4 if mixed else 4
        ones = [1] * (len(inputs) - 1)
        tensors[f"{name}.lora_down.weight"] = torch.randn(rank, *inputs, generator=generator) * 0.1
        tensors[f"{name}.lora_up.weight"] = torch.randn(outputs, rank, *ones, generator=generator) * 0.1
        tensors[f"{name}.alpha"] = torch.tensor(1.0 + place % 3 if mixed else 2.0)
    return tensors


def random_lora(path: Path, layers: Mapping[str, Layer], seed: int = 0, mixed: bool = True) -> Path:
    """Write `random_tensors` to ``path`` and return it."""
    write_lora(path, random_tensors(layers, seed, mixed), {})
    return path
