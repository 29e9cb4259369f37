"""Which base is this: SD 1.5 or SDXL, and how many channels does its U-Net see."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inpaint.refusal import RefusedError

SEEN = 9
"""Noisy latents (4), mask (1), latents of the masked image (4)."""
_CONV_IN = "model.diffusion_model.input_blocks.0.0.weight"
_CONTEXT = "model.diffusion_model.{}.1.transformer_blocks.0.attn2.to_k.weight"
_FIRST_ATTENTION = {"input_blocks.1": False, "input_blocks.4": True}
"""Where each family's U-Net first looks at the caption: SDXL's first block has no attention."""


@dataclass(frozen=True)
class BaseModel:
    """``channels`` of the U-Net's input, 9 for an inpainting base."""

    sdxl: bool
    channels: int


def inspect(name: str, sdxl: bool | None = None) -> BaseModel:
    """From a file's header or a diffusers folder's (or hub model's) config; ``sdxl`` overrules the family."""
    path = Path(name)
    found = _of_shapes(_shapes(path), path) if path.is_file() else _of_config(name)
    return found if sdxl is None else BaseModel(sdxl, found.channels)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    if path.suffix == ".safetensors":
        return _safetensors_shapes(path)
    import torch

    try:
        loaded = torch.load(path, map_location="meta", weights_only=True, mmap=True)
    except Exception as error:  # whatever pickle and zip readers raise on a file that is none
        raise RefusedError(
            f"{path}: cannot be read as a checkpoint ({error}); use a .safetensors file."
        ) from error
    tensors: dict[str, Any] = loaded.get("state_dict", loaded)
    return {name: tuple(tensor.shape) for name, tensor in tensors.items() if hasattr(tensor, "shape")}


def _safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """https://github.com/huggingface/safetensors: 8 bytes of length, then a JSON header."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, 100_000_000)))
    except (OSError, struct.error, ValueError) as error:
        raise RefusedError(f"{path}: is no safetensors file ({error}).") from error
    return {name: tuple(facts["shape"]) for name, facts in header.items() if name != "__metadata__"}


def _of_shapes(shapes: dict[str, tuple[int, ...]], path: Path) -> BaseModel:
    for block, sdxl in _FIRST_ATTENTION.items():
        if _CONV_IN in shapes and _CONTEXT.format(block) in shapes:
            return BaseModel(sdxl, shapes[_CONV_IN][1])
    raise RefusedError(f"{path}: is neither an SD 1.5 nor an SDXL checkpoint.")


def _of_config(name: str) -> BaseModel:
    from diffusers import UNet2DConditionModel

    try:
        config = UNet2DConditionModel.load_config(name, subfolder="unet")
    except OSError as error:
        raise RefusedError(
            f"{name}: is no file, no diffusers folder and no model of the hub ({error})."
        ) from error
    return BaseModel(config.get("addition_embed_type") == "text_time", int(config["in_channels"]))
