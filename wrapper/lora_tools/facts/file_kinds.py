"""What a file is that is no safetensors file, by its first bytes."""

from __future__ import annotations

import stat
from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.lora.spellings.models import Other

_GET = "Give a .safetensors file."
_PICKLE = Other(
    "is a pickle (PyTorch's old format), which can run any program when it is opened, and is not opened here",
    "Get the LoRA as .safetensors.",
)
_BEGINNINGS: tuple[tuple[bytes, Other], ...] = (
    (b"\x89PNG", Other("is a PNG picture, not a LoRA", _GET)),
    (b"\xff\xd8\xff", Other("is a JPEG picture, not a LoRA", _GET)),
    (b"GGUF", Other("is a GGUF model, not a LoRA in safetensors", _GET)),
    (b"\x80\x02", _PICKLE),
    (b"\x80\x03", _PICKLE),
    (b"\x80\x04", _PICKLE),
    (b"Rar!", Other("is an archive", "Unpack it and give the .safetensors file in it.")),
    (b"7z\xbc\xaf", Other("is an archive", "Unpack it and give the .safetensors file in it.")),
    (b"<!DOCTYPE", Other("is a web page, as comes of a download that failed", "Get the file again.")),
    (b"<html", Other("is a web page, as comes of a download that failed", "Get the file again.")),
    (
        b"version https://git-lfs",
        Other("is a pointer of Git LFS, not the file itself", "Run 'git lfs pull' there."),
    ),
)
_ZIP = b"PK\x03\x04"
_HEAD_BYTES = 512


def known_file(path: Path) -> Other | None:
    """What ``path`` is when it begins as something known; None for all else, safetensors files among it.

    Raises `UserError` for what cannot be read, and for a folder.
    """
    head = _head(path)
    if head.startswith(_ZIP):
        is_torch = b"data.pkl" in head or path.suffix.lower() in (".pt", ".pth", ".ckpt", ".bin")
        return _PICKLE if is_torch else Other("is a ZIP archive", "Unpack it and give the file in it.")
    text = head.lstrip()
    return next((other for start, other in _BEGINNINGS if text[: len(start)].lower() == start.lower()), None)


def _head(path: Path) -> bytes:
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise UserError(f"{path}: is a folder.", "Give a .safetensors file.")
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"{path}: is not a file.", "Give a .safetensors file.")
        with path.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
