"""The tensors of a model in one file: a safetensors file, or a pickled checkpoint that was asked for."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from wrapper.safetensors_header import read_header

if TYPE_CHECKING:
    from torch import Tensor

PICKLES = {".ckpt", ".pt", ".pth", ".bin"}
SAFE_TORCH = (2, 6)
_NESTED = "state_dict"


def is_pickled(path: Path) -> bool:
    """Whether a file's name says that it is a pickle."""
    return path.suffix.lower() in PICKLES


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes, without the values. Raises `UserError` for a file that is not whole."""
    if is_pickled(path):
        return {name: tuple(tensor.shape) for name, tensor in _unpickled(path, "meta").items()}
    return {name: spec.shape for name, spec in read_header(path).tensors.items()}


def load_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors, on the CPU. Raises `UserError`."""
    if is_pickled(path):
        return _unpickled(path, "cpu")
    from safetensors.torch import load_file

    return load_file(path)


def require_safe_torch(path: Path) -> None:
    """Raise `UserError` where torch's opener of weights alone can be made to run code (CVE-2025-32434)."""
    import torch

    if tuple(map(int, torch.__version__.split(".")[:2])) < SAFE_TORCH:
        raise UserError(
            f"{path}: torch {torch.__version__} cannot open a pickle safely, torch 2.6 and later can.",
            "Update torch, or get the .safetensors version.",
        )


def _unpickled(path: Path, device: str) -> dict[str, Tensor]:
    """torch's own unpickler, which builds tensors and plain values only and calls nothing else."""
    import torch

    require_safe_torch(path)
    try:
        found: Any = torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: cannot be opened as weights alone ({why}).",
            "It is broken, or holds more than weights. Get the .safetensors version of this model.",
        ) from error
    tensors = found.get(_NESTED, found) if isinstance(found, dict) else {}
    return {name: value for name, value in tensors.items() if isinstance(value, torch.Tensor)}
