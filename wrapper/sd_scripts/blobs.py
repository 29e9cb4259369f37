"""Files by content, in git's own words: which of them are missing or changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Difference:
    """Paths inside a folder, against a list of blob ids."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed)

    def __str__(self) -> str:
        parts = [
            f"{what} {shortened(names)}"
            for what, names in (("missing:", self.missing), ("changed:", self.changed))
            if names
        ]
        return "; ".join(parts)


def shortened(names: tuple[str, ...], most: int = 3) -> str:
    """``a, b, c and 4 more``."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def blob_id(content: bytes) -> str:
    """git's id of a file's bytes: SHA-1 of ``blob <size>``, a zero byte and the bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def blob_ids(folder: Path, names: list[str]) -> dict[str, str]:
    return {name: blob_id((folder / name).read_bytes()) for name in names}


def compare(folder: Path, files: Mapping[str, str]) -> Difference:
    """What in ``folder`` is not as ``files`` say; a text whose lines end in CRLF counts as unchanged."""
    missing = tuple(name for name in files if not (folder / name).is_file())
    changed = tuple(
        name for name in files if name not in missing and not _is_same(folder / name, files[name])
    )
    return Difference(missing, changed)


def _is_same(path: Path, wanted: str) -> bool:
    content = path.read_bytes()
    return blob_id(content) == wanted or blob_id(content.replace(b"\r\n", b"\n")) == wanted
