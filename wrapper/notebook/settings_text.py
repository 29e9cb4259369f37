"""Values put into the text of a ``lorawrap.toml``; its comments and its order stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dataset_tools.data_text import from_toml
from wrapper.project.load import lay_over, leaves
from wrapper.toml_text import to_toml

_TABLE = re.compile(r"\s*\[(?P<name>[\w.]+)\]")


def with_values(text: str, values: Mapping[str, Any]) -> str:
    """``text`` with ``section.key`` set to each value: ``{"crop.size": 64}``.

    A key's line keeps its comment; a new key goes to the end of its table, a new table to the text's end.
    """
    for key, value in values.items():
        table, _, name = key.rpartition(".")
        text = "".join(f"{line}\n" for line in _set(text.splitlines(), table, name, to_toml(value)))
    _prove(text, values)
    return text


def _set(lines: list[str], table: str, name: str, value: str) -> list[str]:
    start = next((at for at, line in enumerate(lines) if _header(line) == table), None)
    if start is None:
        return [*lines, "", f"[{table}]", f"{name} = {value}"]
    end = next((at for at in range(start + 1, len(lines)) if _header(lines[at])), len(lines))
    old = re.compile(rf"{re.escape(name)}\s*=\s*(?:\[.*\]|\"(?:[^\"\\]|\\.)*\"|[^#]*?)(?P<comment>\s*#.*)?")
    for at in range(start + 1, end):
        if found := old.fullmatch(lines[at]):
            return [*lines[:at], f"{name} = {value}{found['comment'] or ''}", *lines[at + 1 :]]
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return [*lines[:end], f"{name} = {value}", *lines[end:]]


def _header(line: str) -> str | None:
    found = _TABLE.match(line)
    return found["name"] if found else None


def _prove(text: str, values: Mapping[str, Any]) -> None:
    """A line that was not understood must not pass in silence."""
    found: dict[str, Any] = dict(leaves(from_toml(text)))
    wanted: dict[str, Any] = {}
    for key, value in values.items():
        lay_over(wanted, key.split("."), value)
    wrong = [key for key, value in leaves(wanted) if found.get(key) != value]
    if wrong:
        raise ValueError(f"these keys cannot be set in the text: {', '.join(wrong)}")
