"""Text from files, made harmless for a terminal: it moves no cursor and turns no writing round."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control codes, among them those that begin a terminal's commands
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing
    "\u2028\u2029\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """``text`` with such characters spelled out; line ends and tabs stay.

    >>> printable("a" + chr(27) + "[2Jb" + chr(0x202E))
    'a\\\\x1b[2Jb\\\\u202e'
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str, longest: int = 200) -> str:
    """``text`` as one printable line, cut where it is longer."""
    line = printable(" ".join(text[: 8 * longest].split()))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
