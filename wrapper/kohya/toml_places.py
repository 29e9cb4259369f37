"""Where each key of a TOML text stands: tables, dotted and quoted keys, inline tables, arrays of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

Place = tuple[str, str]
"""(table, key): a table is ``general`` or ``datasets[0].subsets[1]``; the table itself has the key ``""``."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[^\s\"'.=\[\]{},#]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|' r"'''.*?'''|" r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


class _EndError(Exception):
    """The text is no TOML from here on; what was found so far counts."""


def toml_places(text: str) -> dict[Place, int]:
    """Line of each table and key, counted from 1; of a text that is no TOML, those before the fault."""
    places: dict[Place, int] = {}
    try:
        for place, line in _Scanner(text).statements():
            places.setdefault(place, line)
    except _EndError:
        pass
    return places


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.counts: dict[str, int] = {}

    def statements(self) -> Iterator[tuple[Place, int]]:
        table = ""
        while self.skip(_BLANK) < len(self.text):
            if self.text.startswith("[", self.at):
                line = self.line()
                table = self.header()
                yield (table, ""), line
            else:
                yield from self.entry(table)

    def header(self) -> str:
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        names = self.names()
        self.expect("]]" if array else "]")
        return self.numbered(names, array)

    def numbered(self, names: list[str], array: bool) -> str:
        """``[datasets, subsets]`` → ``datasets[0].subsets[2]``: arrays of tables are counted as they come."""
        path = ""
        for depth, name in enumerate(names):
            path = f"{path}.{name}" if path else name
            if array and depth == len(names) - 1:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = f"{path}[{self.counts[path]}]"
        return path

    def entry(self, table: str) -> Iterator[tuple[Place, int]]:
        """``a.b = value`` stands in the table ``a`` of ``table``."""
        line, names = self.line(), self.names()
        self.expect("=")
        *outer, key = names
        inner = ".".join([*([table] if table else []), *outer])
        if outer:
            yield (table, outer[0]), line
        yield (inner, key), line
        yield from self.value(f"{inner}.{key}" if inner else key)

    def value(self, path: str) -> Iterator[tuple[Place, int]]:
        self.skip(_SPACE)
        if self.text.startswith("{", self.at):
            yield (path, ""), self.line()
            yield from self.members(path)
        elif self.text.startswith("[", self.at):
            yield from self.items(path)
        elif not self.take(_STRING):
            self.take(_SCALAR)

    def members(self, table: str) -> Iterator[tuple[Place, int]]:
        self.at += 1
        while not self.ends("}"):
            yield from self.entry(table)
            self.comma("}")

    def items(self, path: str) -> Iterator[tuple[Place, int]]:
        self.at += 1
        number = 0
        while not self.ends("]"):
            yield from self.value(f"{path}[{number}]")
            number += 1
            self.comma("]")

    def names(self) -> list[str]:
        """A dotted key, each part bare or quoted."""
        names: list[str] = []
        while True:
            self.skip(_SPACE)
            quoted = self.take(_STRING)
            names.append(quoted[1:-1] if quoted else self.take(_BARE))
            self.skip(_SPACE)
            if not names[-1] or not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def ends(self, mark: str) -> bool:
        """Whether ``mark`` follows, and if so go past it."""
        self.skip(_BLANK)
        if self.at >= len(self.text):
            raise _EndError
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found

    def comma(self, mark: str) -> None:
        self.skip(_BLANK)
        if self.text.startswith(",", self.at):
            self.at += 1
        elif not self.text.startswith(mark, self.at):
            raise _EndError

    def expect(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise _EndError
        self.at += len(mark)

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""

    def skip(self, pattern: re.Pattern[str]) -> int:
        self.take(pattern)
        return self.at

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1
