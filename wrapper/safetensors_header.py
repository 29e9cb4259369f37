"""The header of a safetensors file, read without torch and believed only as far as it is true."""

from __future__ import annotations

import json
import math
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from dataset_tools.errors import UserError

MAX_HEADER_BYTES = 100_000_000
MAX_MARKS = 2_000_000
"""More names, lists or tables than any header has: read, they would take gigabytes of memory."""
_MARKS = (b'":', b'",', b"[", b"{")
_MAX_AXES = 64
_MAX_NAME = 200
DTYPE_BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "C64": 64,
}


class TensorSpec(NamedTuple):
    """What the header says of one tensor; ``begin`` and ``end`` are bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """Tensors and metadata of a safetensors file, and where its data begin in the file."""

    tensors: dict[str, TensorSpec]
    metadata: dict[str, str] = field(default_factory=dict)
    data_start: int = 8


def read_header(path: Path) -> Header:
    """Read and check a header. Raises `UserError` for whatever is not a whole safetensors file.

    Format: https://huggingface.co/docs/safetensors: 8 bytes little-endian length, JSON, then data without
    holes or overlaps to the end of the file.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{path}: is not a file.", "Give a .safetensors file.")
        with path.open("rb") as stream:
            raw = _header_bytes(stream, path, status.st_size)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    return _checked(_parsed(raw, path), path, 8 + len(raw), status.st_size)


def _header_bytes(stream: BinaryIO, path: Path, size: int) -> bytes:
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or length < 2:
        raise _refusal(path, "it is too short")
    if length > MAX_HEADER_BYTES:
        raise _refusal(path, f"its header claims {length} bytes")
    if length > size - 8:
        raise _refusal(path, f"its header claims {length} bytes, the file has only {size}")
    return stream.read(length)


def _parsed(raw: bytes, path: Path) -> dict[str, Any]:
    if not raw.startswith(b"{"):
        raise _refusal(path, "its header is not JSON")
    if any(raw.count(mark) > MAX_MARKS for mark in _MARKS):
        raise _refusal(path, "its header has millions of entries")
    try:
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _refusal(path, f"its header is not JSON ({error})") from error
    return data


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a name stands in it twice")
    for text in (*data, *(value for value in data.values() if isinstance(value, str))):
        text.encode("utf-8")  # JSON can spell half a character, which no text has
    return data


def _checked(data: dict[str, Any], path: Path, data_start: int, size: int) -> Header:
    metadata = data.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _refusal(path, "its metadata are not texts by name")
    tensors = {name: _tensor(name, entry, path) for name, entry in data.items()}
    place = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != place:
            raise _refusal(path, f"the data of {name!r} overlap others or leave a hole")
        place = tensor.end
    if place != size - data_start:
        raise _refusal(path, f"it has {size - data_start} bytes of data, its header describes {place}")
    return Header(tensors, metadata, data_start)


def _tensor(name: str, entry: Any, path: Path) -> TensorSpec:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _refusal(path, f"its entry {name!r} is not a tensor")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise _refusal(path, f"the type {dtype!r} of {name!r} is unknown")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise _refusal(path, f"the shape or the place of {name!r} makes no sense")
    begin, end = offsets
    if (end - begin) * 8 != math.prod(shape) * DTYPE_BITS[dtype]:
        raise _refusal(path, f"{name!r} has {end - begin} bytes, which is not {dtype} {shape}")
    return TensorSpec(dtype, tuple(shape), begin, end)


def _counts(value: Any) -> bool:
    whole = isinstance(value, list) and len(value) <= _MAX_AXES
    return whole and all(type(item) is int and 0 <= item < 1 << 63 for item in value)


def _refusal(path: Path, why: str) -> UserError:
    why = why if len(why) <= _MAX_NAME else why[:_MAX_NAME] + "…"
    return UserError(f"{path}: is not a whole .safetensors file: {why}.", "Get the file again.")
