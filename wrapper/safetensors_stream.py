"""Safetensors files of any size, one tensor at a time: read by plain reads, written whole or not at all.

Nothing is mapped into memory, so that a process never holds more than the tensors that it works on.
Format: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from dataset_tools.errors import UserError
from dataset_tools.files import content_hash, whole_file
from wrapper.safetensors_header import DTYPE_BITS, Header, read_header

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_TORCH_NAMES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
    "C64": "complex64",
}


class Form(NamedTuple):
    """What a tensor will be: ``dtype`` by safetensors' name (``F16``), and its shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * DTYPE_BITS[self.dtype] // 8


@dataclass(frozen=True)
class TensorFile:
    """An open safetensors file. Made by `open_tensors`."""

    path: Path
    header: Header
    _stream: BinaryIO

    @property
    def forms(self) -> dict[str, Form]:
        """Name → form, in the order of the file."""
        ordered = sorted(self.header.tensors.items(), key=lambda item: (item[1].begin, item[1].end))
        return {name: Form(spec.dtype, spec.shape) for name, spec in ordered}

    def read(self, name: str) -> Tensor:
        """One tensor, in the file's own precision, with memory of its own."""
        import torch

        spec = self.header.tensors[name]
        dtype = torch_dtype(spec.dtype)
        if spec.begin == spec.end:
            return torch.empty(spec.shape, dtype=dtype)
        data = bytearray(spec.end - spec.begin)
        self._stream.seek(self.header.data_start + spec.begin)
        if self._stream.readinto(data) != len(data):
            raise UserError(f"{self.path}: became shorter while it was read.", "Give the command again.")
        return torch.frombuffer(data, dtype=torch.uint8).view(dtype).reshape(spec.shape)


@contextmanager
def open_tensors(path: Path) -> Iterator[TensorFile]:
    """Open a safetensors file. Raises `UserError` for one that is not whole, or whose header lies."""
    header = read_header(path)
    with path.open("rb") as stream:
        yield TensorFile(path, header, stream)


def torch_dtype(name: str) -> torch.dtype:
    """``F16`` → ``torch.float16``."""
    import torch

    return getattr(torch, _TORCH_NAMES[name])


def dtype_name(dtype: torch.dtype) -> str:
    """``torch.float16`` → ``F16``. Raises `KeyError` for what safetensors does not know."""
    return {f"torch.{torch_name}": name for name, torch_name in _TORCH_NAMES.items()}[str(dtype)]


def form_of(tensor: Tensor) -> Form:
    """The form of a tensor as it is."""
    return Form(dtype_name(tensor.dtype), tuple(tensor.shape))


def in_library_order(forms: Mapping[str, Form]) -> dict[str, Form]:
    """Widest types first, then by name: the order in which the safetensors library itself writes."""
    widths = list(DTYPE_BITS)
    return dict(sorted(forms.items(), key=lambda item: (-widths.index(item[1].dtype), item[0])))


def header_bytes(forms: Mapping[str, Form], metadata: Mapping[str, str]) -> bytes:
    """Length and JSON of a header: metadata in alphabetical order, tensors one behind the other as given."""
    entries: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    place = 0
    for name, form in forms.items():
        entries[name] = {
            "dtype": form.dtype,
            "shape": list(form.shape),
            "data_offsets": [place, place + form.bytes],
        }
        place += form.bytes
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def write_tensors(
    path: Path,
    forms: Mapping[str, Form],
    metadata: Mapping[str, str],
    tensors: Iterable[Tensor],
    seal: Callable[[Path], Mapping[str, str]] | None = None,
) -> str:
    """Write ``tensors``, which come in the order of ``forms``; returns the SHA-256 of the whole file.

    ``seal`` is for metadata that hang on the data: it gets the file with the placeholders that ``metadata``
    have for them, and returns texts of the same length. Equal arguments give equal bytes.
    Raises `ValueError` for a tensor of another form, `UserError` when the disk has no room.
    """
    head = header_bytes(forms, metadata)
    with whole_file(path) as temporary:
        _require_room(path, len(head) + sum(form.bytes for form in forms.values()))
        with temporary.open("wb") as stream:
            digest = hashlib.sha256(head)
            stream.write(head)
            for (name, form), tensor in zip(forms.items(), tensors, strict=True):
                _write(stream, digest, name, form, tensor)
        if seal is None:
            return digest.hexdigest()
        _write_head(temporary, head, header_bytes(forms, {**metadata, **seal(temporary)}))
        return content_hash(temporary)


def _require_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise UserError(
            f"{path}: needs {needed / 1e9:.2f} GB, {path.parent} has {free / 1e9:.2f} GB free.",
            "Make room, or name a place on another disk.",
        )


def _write(stream: BinaryIO, digest: hashlib._Hash, name: str, form: Form, tensor: Tensor) -> None:
    import torch

    if form_of(tensor) != form:
        raise ValueError(f"{name} should be {form}, not {form_of(tensor)}")
    data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    digest.update(data)
    stream.write(data)


def _write_head(path: Path, old: bytes, new: bytes) -> None:
    if len(new) != len(old):
        raise ValueError(f"sealed metadata make the header {len(new)} bytes long, not {len(old)}")
    with path.open("r+b") as stream:
        stream.write(new)
