"""Text, JSON and TOML that came from outside: bounded, and whatever is wrong with them is a ValueError."""

from __future__ import annotations

import codecs
import json
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 64 << 20
"""Larger than any settings, captions or records are; parsed, it takes some ten times the memory."""
DEEPEST = 100
"""So many lists and tables may lie in each other: code that goes down into them must come up again."""


ZERO_BYTES = "it holds zero bytes: it is UTF-16 without a mark, or no text"
_MARKS = (
    *((mark, "UTF-32") for mark in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),  # begins with the next one
    *((mark, "UTF-16") for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)


class NotUtf8(UnicodeDecodeError):  # noqa: N818 - what a text is, not a fault of this program
    """Text in another encoding, named where its first bytes name it: ``not UTF-8, but UTF-16 (…)``."""

    @property
    def named(self) -> str:
        """``UTF-16``, ``UTF-32``, or empty."""
        return next((name for mark, name in _MARKS if self.object.startswith(mark)), "")

    def __str__(self) -> str:
        if self.named:
            return f"not UTF-8, but {self.named} (as Notepad's \"Unicode\" and PowerShell's > write)"
        return f"not UTF-8 (byte {self.start})"


def bounded_text(path: Path, encoding: str = "utf-8", most_bytes: int = MOST_BYTES) -> str:
    """The text of a file, lines ended by ``\\n``. Raises as `bounded_bytes` and `decoded`."""
    return decoded(bounded_bytes(path, most_bytes), encoding).replace("\r\n", "\n").replace("\r", "\n")


def decoded(data: bytes, encoding: str = "utf-8") -> str:
    """``data`` as text. Raises `NotUtf8`, and ValueError for text that is full of zeros."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotUtf8(*error.args) from None
    if text.count("\0") > 1:
        raise ValueError(ZERO_BYTES)
    return text


def bounded_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of a file.

    Raises OSError when it cannot be read, ValueError when it is a device or a pipe or larger than
    ``most_bytes``.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait for ever
        raise ValueError("it is no regular file")
    with path.open("rb") as stream:
        data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"it is larger than {most_bytes >> 20} MiB")
    return data


def from_json(text: str | bytes) -> Any:
    """The value in ``text``. Raises ValueError, also for one that is nested more than `DEEPEST` deep."""
    try:
        return _shallow(json.loads(text))
    except RecursionError:
        raise _too_deep() from None


def from_toml(text: str) -> dict[str, Any]:
    """The tables in ``text``. Raises ValueError, also for those nested more than `DEEPEST` deep."""
    try:
        found: dict[str, Any] = _shallow(tomllib.loads(text))
    except RecursionError:
        raise _too_deep() from None
    return found


def _shallow(value: Any) -> Any:
    level = [value]
    for _ in range(DEEPEST):
        level = [part for one in level for part in _parts(one) if isinstance(part, (dict, list))]
        if not level:
            return value
    raise _too_deep()


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ValueError:
    return ValueError("its lists or tables lie too deep in each other")
