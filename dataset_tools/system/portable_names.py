"""Names that every file system takes: Linux's, macOS's, Windows', and those of memory cards."""

from __future__ import annotations

import re
import unicodedata

MOST_BYTES = 255
"""Of one name, in UTF-8: Linux. Windows and macOS count 255 UTF-16 units, which are never more."""
_NUMBERED = (f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789¹²³")
DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$", *_NUMBERED})
"""Windows opens these, with any ending and in every folder, as devices."""
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def is_device(name: str) -> bool:
    """Whether Windows takes ``name`` for a device: ``con``, ``AUX.txt``, ``nul .tar.gz``."""
    return name.partition(".")[0].rstrip(" ").casefold() in DEVICES


def composed(name: str) -> str:
    """The same for names that differ in their Unicode form alone: macOS writes ``é`` as two letters."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """The same for names that a file system may take for one: letter case and Unicode form aside."""
    return composed(composed(name).casefold())


def fault_of(name: str) -> str:
    """Why the name of a file or folder cannot be everywhere; empty when it can."""
    if found := _FORBIDDEN.search(name):
        return f"Windows has no {found[0]!r} in names"
    if name != name.rstrip(" ."):
        return "Windows drops a space or a dot at the end"
    if is_device(name):
        return "Windows keeps it for a device"
    if not 0 < len(name.encode("utf-8", "surrogatepass")) <= MOST_BYTES:
        return f"it must have 1 to {MOST_BYTES} bytes"
    return ""


def cut(text: str, most_bytes: int) -> str:
    """The first letters of ``text`` that take no more than ``most_bytes`` in UTF-8."""
    return text.encode("utf-8", "ignore")[:most_bytes].decode("utf-8", "ignore")
