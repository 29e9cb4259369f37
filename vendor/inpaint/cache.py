"""Encoded tensors under keys made of contents, in memory and, when asked, in files.

A key covers everything that an encoding depends on, so an edited picture, mask or VAE never meets an old
encoding. Nothing is written beside the user's pictures.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

FORMAT = 1
"""Counts up when the way of encoding changes."""
Row = dict[str, Tensor]


class RowCache:
    """Rows of tensors by key. Rows from ``folder`` are mapped from their files, not read into memory."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.rows: dict[str, Row] = {}
        self.made = 0

    def has(self, key: str) -> bool:
        """True when ``key`` need not be encoded; a file that cannot be read is encoded anew."""
        return key in self.rows or (self.folder is not None and self._map(key))

    def _map(self, key: str) -> bool:
        path = self.path(key)
        if not path.is_file():
            return False
        try:
            self.rows[key] = load_file(path)
        except Exception as error:  # safetensors raises its own type, and OSError
            print(f"warning: {path}: cannot be read ({error}), encoded anew", flush=True)
            return False
        return True

    def put(self, key: str, row: Row) -> None:
        row = {name: tensor.contiguous() for name, tensor in row.items()}
        self.made += 1
        if self.folder is None:
            self.rows[key] = row
            return
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{uuid.uuid4().hex}")
        save_file(row, beside)
        beside.replace(path)

    def get(self, key: str) -> Row:
        """The row; written by another process, it is mapped now."""
        if key not in self.rows and not (self.folder is not None and self._map(key)):
            raise KeyError(f"{key} was never encoded")
        return self.rows[key]

    def path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.safetensors"


def default_folder() -> Path:
    """``LORAWRAP_CACHE_DIR``, else ``lorawrap`` in the user's own cache folder, as in lorawrap itself."""
    named = os.environ.get("LORAWRAP_CACHE_DIR")
    own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lorawrap"
    return (Path(named) if named else own) / "inpaint-rows"


def row_key(**parts: Any) -> str:
    """SHA-256 of ``parts``, as hex."""
    text = json.dumps({"format": FORMAT, **parts}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def vae_hash(vae: torch.nn.Module) -> str:
    """SHA-256 of a VAE's weights, whatever file they came from."""
    digest = hashlib.sha256()
    states: Mapping[str, Tensor] = vae.state_dict()
    for name, tensor in sorted(states.items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
