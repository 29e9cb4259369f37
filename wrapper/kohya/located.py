"""A TOML file whose values know their line, for messages that point at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from wrapper.project.load import parse_toml

_TABLE = re.compile(r"^\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*=""")


@dataclass(frozen=True)
class Located:
    """``lines`` maps (table, key) to a line number; a table is ``general`` or ``datasets[0].subsets[1]``."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[tuple[str, str], int]

    def where(self, table: str = "", key: str = "") -> str:
        """``stage_a_train.toml:12 [training_arguments]``."""
        line = self.lines.get((table, key)) or self.lines.get((table, ""))
        place = f"{self.path.name}:{line}" if line else self.path.name
        return f"{place} [{table}]" if table else place


def read_located(path: Path) -> Located:
    """Read a TOML file. Raises `UserError` when it is missing, not UTF-8 or not TOML."""
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.", "`lorawrap render` makes it.")
    data = parse_toml(path)
    return Located(path, data, dict(_places(path.read_text(encoding="utf-8"))))


def _places(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    """Tables and keys by line. Arrays of tables are numbered, a subset within its dataset."""
    table = ""
    counts: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            table = _numbered(found[2].replace(" ", ""), found[1] == "[[", counts)
            place = (table, "")
        elif found := _KEY.match(line):
            place = (table, found[1] or found[2] or found[3])
        else:
            continue
        if place not in seen:
            seen.add(place)
            yield place, number


def _numbered(name: str, array: bool, counts: dict[str, int]) -> str:
    """``datasets.subsets`` → ``datasets[0].subsets[2]``, counting arrays of tables as they come."""
    path = ""
    parts = name.split(".")
    for depth, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        last = depth == len(parts) - 1
        if last and array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts and (array or not last):
            path = f"{path}[{counts[path]}]"
    return path
