"""Reading and writing LoRA files in Kohya form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.files import whole_file
from wrapper.lora.hashes import container_hashes
from wrapper.lora.names import module_of
from wrapper.safetensors_header import read_header

if TYPE_CHECKING:
    from torch import Tensor

PARTS = ("lora_down.weight", "lora_up.weight", "alpha")


@dataclass(frozen=True)
class Lora:
    """Tensors by name (``<module>.lora_down.weight``, ``.lora_up.weight``, ``.alpha``) and the metadata."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]

    def modules(self) -> dict[str, dict[str, Tensor]]:
        """Tensors by module, then by part."""
        return by_module(self.tensors)


def by_module(tensors: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``{"m.alpha": 1}`` → ``{"m": {"alpha": 1}}``."""
    modules: dict[str, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        module, part = module_of(name)
        modules.setdefault(module, {})[part] = tensor
    return modules


def read_lora(path: Path) -> Lora:
    """Read a LoRA file onto the CPU. Raises `UserError` for a file that is not whole."""
    from safetensors import safe_open

    header = read_header(path)
    with safe_open(path, framework="pt", device="cpu") as stream:
        tensors = {name: stream.get_tensor(name) for name in sorted(header.tensors)}
    return Lora(tensors, header.metadata)


def write_lora(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a LoRA file, whole or not at all; equal arguments give equal bytes.

    Tensors keep their precision. ``sshs_model_hash`` and ``sshs_legacy_hash`` are worked out here, whatever
    the metadata say. Raises `ValueError` for modules that are not whole: each needs down, up and alpha.
    """
    _require_whole_modules(tensors)
    kept = {name: value for name, value in metadata.items() if not name.startswith("sshs_")}
    immutable = {name: value for name, value in kept.items() if name.startswith("ss_")}
    model, legacy = container_hashes(container(tensors, immutable))
    data = container(tensors, {**kept, "sshs_model_hash": model, "sshs_legacy_hash": legacy})
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def container(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a safetensors file whose metadata stand in alphabetical order.

    The library writes metadata in random order, so equal saves would differ, and refuses tensors that share
    memory, as one alpha for all modules does.
    """
    from safetensors.torch import save

    packed = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    data_start = 8 + int.from_bytes(packed[:8], "little")
    entries = json.loads(packed[8:data_start])
    entries.pop("__metadata__", None)
    ordered = sorted(entries.items(), key=lambda item: item[1]["data_offsets"])
    header = {"__metadata__": dict(sorted(metadata.items())), **dict(ordered)}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + packed[data_start:]


def _require_whole_modules(tensors: Mapping[str, Any]) -> None:
    broken = [module for module, parts in by_module(tensors).items() if set(parts) != set(PARTS)]
    if broken or not tensors:
        raise ValueError(f"LoRA modules without down, up and alpha: {broken or 'there is none at all'}")
