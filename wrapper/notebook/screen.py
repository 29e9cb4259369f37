"""How a command's output looks in a cell: lines of text, and one bar that moves where it stands."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

_BAR = re.compile(r"(?P<what>.+?): (?P<done>\d+)/(?P<total>\d+)(?:, (?P<rest>.*))?")
_NEXT = "next: "
"""What a command says one would type now: in a notebook the next cell is the next step."""


class Screen:
    """Takes a command's lines. ``said`` is all of its output, ``last_words`` what it complained of last.

    Complaints are held back while they may be the last: those are told by the exception that ends the cell.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.said: list[str] = []
        self.last_words: list[str] = []
        self._bars: dict[str, DisplayHandle] = {}

    def output(self, line: str) -> None:
        """A line of standard output."""
        self.release()
        self.said.append(line)
        if not self.quiet and not line.startswith(_NEXT):
            print(line, flush=True)

    def error(self, line: str) -> None:
        """A line of standard error: a bar's, or a complaint."""
        found = _BAR.fullmatch(line)
        if found is None:
            self.last_words.append(line)
            return
        self.release()
        self._move(found)

    def release(self) -> None:
        """Print what was held back: it was not the end."""
        for line in self.last_words:
            print(line, flush=True)
        self.last_words.clear()

    def _move(self, found: re.Match[str]) -> None:
        from IPython.display import DisplayHandle

        if found["what"] not in self._bars and found["done"] == found["total"]:
            return  # nobody had to wait for it
        shown = {"text/plain": found[0], "text/html": bar(found)}
        if found["what"] in self._bars:
            self._bars[found["what"]].update(shown, raw=True)
            return
        self._bars[found["what"]] = handle = DisplayHandle()
        handle.display(shown, raw=True)


def bar(found: re.Match[str]) -> str:
    """A bar as HTML: what, how far, how much longer."""
    rest = " · ".join(part for part in (found["rest"] or "").split(", ") if part)
    return (
        f'<div style="font-family:sans-serif">{escape(found["what"])} '
        f'<progress style="width:20em;vertical-align:middle" value="{found["done"]}" max="{found["total"]}">'
        f"</progress> {found['done']} of {found['total']}{' · ' if rest else ''}{escape(rest)}</div>"
    )
