"""Encoded tensors under keys made of contents: in memory, and in files when asked.

A key covers everything that an encoding depends on, so an edited image, mask or VAE is never met by an old
encoding, and a cache folder can be shared by any number of projects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.files import data_hash, whole_file

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

FORMAT = 1
"""Counts up when the way of encoding changes."""


class TensorCache:
    """Tensors on the CPU by key. ``made`` counts those that were in no memory and in no file."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.memory: dict[str, dict[str, Tensor]] = {}
        self.made = 0

    def find(self, key: str) -> dict[str, Tensor] | None:
        """From memory, else from the folder (when there is one), else None."""
        if key not in self.memory and self.folder and _path(self.folder, key).is_file():
            from safetensors.torch import load_file

            self.memory[key] = load_file(_path(self.folder, key))
        return self.memory.get(key)

    def put(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep ``tensors``, in the folder too when there is one."""
        self.memory[key] = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        self.made += 1
        if self.folder:
            from safetensors.torch import save

            with whole_file(_path(self.folder, key)) as temporary:
                temporary.write_bytes(save(self.memory[key]))  # its own way to a file leaves one when killed


def cache_key(**parts: Any) -> str:
    """SHA-256 of ``parts``, as hex."""
    return data_hash({"format": FORMAT, **parts})


def weights_hash(module: Module) -> str:
    """SHA-256 of a module's configuration and weights, whatever file they came from."""
    import torch

    config: Any = module.config
    options = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    own = {name: value for name, value in options.items() if not name.startswith(("_", "transformers_"))}
    digest = hashlib.sha256(data_hash(own).encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _path(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.safetensors"
