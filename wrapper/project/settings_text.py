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
    """``text``, lines ended by ``\\n``, with ``section.key`` set to each value: ``{"crop.size": 64}``.

    A key's line keeps its comment; a new key goes to the end of its table, a new table behind the one that it
    is in, else to the text's end. Raises ValueError for what is written in several lines or in another way.
    """
    lines = text.removesuffix("\n").split("\n")
    for key, value in values.items():
        table, _, name = key.rpartition(".")
        lines = _set(lines, table, name, to_toml(value))
    new = "".join(f"{line}\n" for line in lines)
    _prove(text, new, values)
    return new


def _set(lines: list[str], table: str, name: str, value: str) -> list[str]:
    start = _start(lines, table)
    if start is None:
        return _with_table(lines, table, f"{name} = {value}")
    end = _next_table(lines, start)
    old = re.compile(rf"{re.escape(name)}\s*=\s*(?:\[.*\]|\"(?:[^\"\\]|\\.)*\"|[^#]*?)(?P<comment>\s*#.*)?")
    for at in range(start + 1, end):
        if found := old.fullmatch(lines[at]):
            return [*lines[:at], f"{name} = {value}{found['comment'] or ''}", *lines[at + 1 :]]
    end = _last_key(lines, start, end)
    return [*lines[:end], f"{name} = {value}", *lines[end:]]


def _with_table(lines: list[str], table: str, line: str) -> list[str]:
    outer = _start(lines, table.rpartition(".")[0])
    if outer is None:
        return [*lines, "", f"[{table}]", line]
    end = _last_key(lines, outer, _next_table(lines, outer))
    return [*lines[:end], "", f"[{table}]", line, *lines[end:]]


def _start(lines: list[str], table: str) -> int | None:
    return next((at for at, line in enumerate(lines) if _header(line) == table), None)


def _next_table(lines: list[str], start: int) -> int:
    return next((at for at in range(start + 1, len(lines)) if _header(lines[at])), len(lines))


def _last_key(lines: list[str], start: int, end: int) -> int:
    """Behind the last key of a table: what follows are empty lines, and comments on the next table."""
    while end > start + 1 and not lines[end - 1].partition("#")[0].strip():
        end -= 1
    return end


def _header(line: str) -> str | None:
    found = _TABLE.match(line)
    return found["name"] if found else None


def _prove(text: str, new: str, values: Mapping[str, Any]) -> None:
    """A line that was not understood must not pass in silence, and nothing else may have changed."""
    wanted, found = from_toml(text), from_toml(new)
    for key, value in values.items():
        lay_over(wanted, key.split("."), value)
    if found != wanted:
        told, sought = dict(leaves(found)), dict(leaves(wanted))
        wrong = [key for key in {**sought, **told} if told.get(key) != sought.get(key)]
        raise ValueError(f"these keys cannot be set in the text: {', '.join(wrong)}")
