"""JSON read value by value from pieces of text: an array of any length takes little memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dataset_tools.manifests.manifest_text import ROW_CHARACTERS

_SPACE = " \t\r\n"
_NUMBER_GOES_ON = len("e+1")
"""So much text after a number shows that it has ended: ``12`` may become ``12e+1``."""


class RepeatedKey(dict[str, Any]):
    """An object in which ``key`` stands twice, here or in an object inside it."""

    key: str = ""


class BadJson(ValueError):  # noqa: N818 - the text is bad, the program is not
    """Text that is no JSON; ``line`` and ``column`` count from 1."""

    def __init__(self, why: str, line: int, column: int) -> None:
        super().__init__(f"{why} (column {column})")
        self.line = line


def parse(text: str) -> Any:
    """One whole value. Raises `BadJson`; an object with a key twice comes as a `RepeatedKey`."""
    stream = JsonStream(iter((text,)))
    value = stream.value()
    stream.end()
    return value


class JsonStream:
    """Text that arrives in pieces; what was read is forgotten."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces, self._ended = pieces, False
        self._text, self._at = "", 0
        self._line = 1
        self._decoder = json.JSONDecoder(object_pairs_hook=_object)

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at <= ROW_CHARACTERS and self._more():
                    continue
                raise self._bad(error.msg, error.pos) from None
            except ValueError:  # Python refuses numbers of more than 4,300 digits
                raise self._bad("a number with too many digits", self._at) from None
            except RecursionError:
                raise self._bad("nested too deeply", self._at) from None
            if len(self._text) - end >= _NUMBER_GOES_ON or not self._more():
                self._at = end
                return value

    def elements(self) -> Iterator[Any]:
        """The values of the array that comes next."""
        for _ in self._items("[", "]"):
            yield self.value()

    def members(self) -> Iterator[str]:
        """The keys of the object that comes next; whoever gets one reads its value."""
        for _ in self._items("{", "}"):
            key = self.value() if self.peek() == '"' else None
            if not isinstance(key, str):
                raise self._bad("a key in double quotes is wanted", self._at)
            self._take(":")
            yield key

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise self._bad("more text after the end", self._at)

    def _items(self, first: str, last: str) -> Iterator[None]:
        self._take(first)
        if self.peek() != last:
            yield
            while self.peek() == ",":
                self._take(",")
                yield
        self._take(last)

    def _take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise self._bad(f"'{wanted}' is wanted here", self._at)
        self._at += 1

    def _more(self) -> bool:
        """Whether there was more text to read."""
        piece = "" if self._ended else next(self._pieces, None)
        if piece is None:
            self._ended = True
        if not piece:
            return not self._ended
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :] + piece, 0
        return True

    def _bad(self, why: str, at: int) -> BadJson:
        line = self._line + self._text.count("\n", 0, at)
        return BadJson(why, line, at - self._text.rfind("\n", 0, at))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    inner = next((value.key for value in found.values() if isinstance(value, RepeatedKey)), None)
    if len(found) == len(pairs) and inner is None:
        return found
    counts = Counter(name for name, _ in pairs)
    repeated = RepeatedKey(found)
    repeated.key = next((name for name, count in counts.items() if count > 1), inner or "")
    return repeated
