"""Writing a LoRA file in the form that a target takes, one tensor after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.export.lora_file.form import TORCH_NAMES, normalised
from wrapper.export.lora_file.idle import for_a1111, for_diffusers
from wrapper.export.lora_file.metadata import file_metadata
from wrapper.export.source import Source
from wrapper.export.wish import Wish
from wrapper.lora.sealing import SEALS, sealed
from wrapper.safetensors_stream import form_of, in_library_order, write_tensors

if TYPE_CHECKING:
    from torch import Tensor


def write_kohya(path: Path, wish: Wish, source: Source) -> None:
    """The file that A1111, Forge, ComfyUI and sd-scripts load whole."""
    tensors = normalised(source.modules, wish.precision, for_a1111(source.modules))
    write_hashed(path, tensors, file_metadata(wish, source))


def write_for_diffusers(path: Path, wish: Wish, source: Source) -> None:
    """The same under diffusers' names, the scale within the weights, so that no loader has to know it."""
    import torch

    from wrapper.lora.file import Lora
    from wrapper.lora.spellings.write import under_diffusers_names

    metadata, dtype = file_metadata(wish, source), getattr(torch, TORCH_NAMES[wish.precision])
    plain = normalised(source.modules, wish.precision, for_diffusers(source.modules))
    tensors, told = under_diffusers_names(Lora(plain, metadata), source.kind)
    write_hashed(path, {name: tensor.to(dtype) for name, tensor in tensors.items()}, {**metadata, **told})


def write_hashed(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """A safetensors file with the hashes of what is in it; equal arguments give equal bytes.

    Byte for byte what `wrapper.lora.file.write_lora` writes, without a second copy in memory.
    """
    forms = in_library_order({name: form_of(tensor) for name, tensor in tensors.items()})
    kept = {name: value for name, value in metadata.items() if not name.startswith("sshs_")}

    def seal(written: Path) -> dict[str, str]:
        return sealed(written, forms, kept)

    ordered = (tensors[name].contiguous() for name in forms)
    write_tensors(path, forms, {**kept, **SEALS}, ordered, seal)
