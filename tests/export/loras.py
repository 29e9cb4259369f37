"""Small LoRA files with known faults, made on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wrapper.export.key_maps.architecture import full_size_layers
from wrapper.export.places.program_folder import Place, find_place
from wrapper.lora.layers import Layer
from wrapper.lora.names import is_target

RANK = 2
METADATA = {
    "ss_output_name": "before",
    "ss_network_dim": "2",
    "ss_tag_frequency": '{"a": {"private words": 3}}',
    "modelspec.sai_model_spec": "1.0.0",
}


def tensors(
    layers: Mapping[str, Layer], rank: int = RANK, alpha: float = 1.0, seed: int = 0
) -> dict[str, Any]:
    """A random LoRA over ``layers`` in Kohya form (fp32)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    made: dict[str, Any] = {}
    for name, layer in layers.items():
        out, *rest = layer.weight_shape
        up = (out, rank, 1, 1) if len(layer.weight_shape) == 4 else (out, rank)
        made[f"{name}.lora_down.weight"] = torch.randn((rank, *rest), generator=generator) * 0.1
        made[f"{name}.lora_up.weight"] = torch.randn(up, generator=generator) * 0.1
        made[f"{name}.alpha"] = torch.tensor(alpha)
    return made


def plain_layers(kind: str) -> dict[str, Layer]:
    """What sd-scripts trains without conv: 264 layers on SD 1.5, 986 on SDXL."""
    every = full_size_layers(kind)
    return {name: layer for name, layer in every.items() if is_target(layer.component, layer.path)}


def save(path: Path, made: Mapping[str, Any], metadata: Mapping[str, str] = METADATA) -> Path:
    """Write ``made`` as it is, whole modules or not."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(made), path, metadata=dict(metadata))
    return path


def places(**dests: Path) -> list[Place]:
    """A place for each target: ``places(a1111=folder)``."""
    return [find_place(target, dest) for target, dest in dests.items()]  # type: ignore[arg-type]
