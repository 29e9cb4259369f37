"""Whether every file system could hold what lies in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dataset_tools.system.portable_names import fault_of, folded

ECRYPTFS_BYTES = 143
"""The longest name in a home folder that is encrypted by eCryptfs."""


def illegal(folder: Path) -> Iterator[str]:
    """What is wrong with the names of files and folders below ``folder``."""
    below = list(folder.rglob("*"))
    for path in below:
        if fault := fault_of(path.name):
            yield f"{path}: {fault}"
    alike = Counter((path.parent, folded(path.name)) for path in below)
    yield from (f"{parent}: {count} names are {name}" for (parent, name), count in alike.items() if count > 1)


def carriage_returns(folder: Path, *endings: str) -> list[Path]:
    """Text files below ``folder`` whose lines do not end in ``\\n`` alone."""
    texts = (path for ending in endings for path in folder.rglob(f"*{ending}"))
    return [path for path in texts if b"\r" in path.read_bytes()]
