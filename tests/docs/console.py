"""The commands of a guide: lines after ``$`` in its console blocks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(guide: str) -> list[list[str]]:
    """argv of each ``$ lorawrap …`` line of ``docs/<guide>``, without the program's name."""
    text = (DOCS / guide).read_text(encoding="utf-8")
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines() if line.startswith("$ ")]
    found = [shlex.split(line[2:]) for line in lines]
    assert all(argv[0] == "lorawrap" for argv in found), found
    return [argv[1:] for argv in found]
