"""Names for pictures in a folder that may hold others: counted up, never one that is taken."""

from __future__ import annotations

import re
from pathlib import Path

_NUMBERED = re.compile(r"(\d{5})-\d+\.png")


def numbered(folder: Path, seed: int) -> Path:
    """``00003-42.png``, where ``00002-…`` is the highest number in ``folder``."""
    taken = [_NUMBERED.fullmatch(path.name) for path in folder.glob("*.png")]
    highest = max((int(match[1]) for match in taken if match), default=0)
    return folder / f"{highest + 1:05d}-{seed}.png"
