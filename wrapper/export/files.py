"""Writing a LoRA file in the form that a target takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.export.form import TORCH_NAMES, normalised
from wrapper.export.metadata import file_metadata
from wrapper.export.source import Source
from wrapper.export.wish import Wish

if TYPE_CHECKING:
    from torch import Tensor


def write_kohya(path: Path, wish: Wish, source: Source) -> None:
    """The file that A1111, Forge, ComfyUI and sd-scripts load whole."""
    from wrapper.lora.file import write_lora

    write_lora(path, normalised(source.modules, wish.precision), file_metadata(wish, source))


def write_for_diffusers(path: Path, wish: Wish, source: Source) -> None:
    """The same under diffusers' names, the scale within the weights, so that no loader has to know it."""
    from wrapper.lora.file import Lora
    from wrapper.lora.spellings.write import under_diffusers_names

    metadata = file_metadata(wish, source)
    plain = Lora(normalised(source.modules, wish.precision), metadata)
    tensors, told = under_diffusers_names(plain, source.kind)
    write_any(path, _in_precision(tensors, wish), {**metadata, **told})


def _in_precision(tensors: dict[str, Tensor], wish: Wish) -> dict[str, Tensor]:
    import torch

    dtype = getattr(torch, TORCH_NAMES[wish.precision])
    return {name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}


def write_any(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file of any tensors, with hashes of what is in it; equal arguments give equal bytes."""
    from wrapper.lora.file import container
    from wrapper.lora.hashes import container_hashes

    kept = {name: value for name, value in metadata.items() if not name.startswith("sshs_")}
    immutable = {name: value for name, value in kept.items() if name.startswith("ss_")}
    model, legacy = container_hashes(container(tensors, immutable))
    path.write_bytes(container(tensors, {**kept, "sshs_model_hash": model, "sshs_legacy_hash": legacy}))
