"""Text for a terminal or a file that has not every letter: a code page of Windows, an ASCII locale."""

from __future__ import annotations

import codecs
import io
import sys
from typing import TextIO

IN_UTF8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:surrogateescape"}
"""For the environment of a Python whose output is read here: the second wins where a user has set it."""
HANDLER = "dataset_tools.spelled_out"
_SIGNS = {
    **{"→": "->", "←": "<-", "…": "...", "–": "-", "—": "-", "−": "-", "×": "x", "·": "-", "•": "*"},
    **{"✓": "ok", "✔": "ok", "✗": "x", "✘": "x", "±": "+/-", "≤": "<=", "≥": ">=", "≈": "~", "Δ": "delta "},
    **{"\u00a0": " ", "\u202f": " ", "“": '"', "”": '"', "‘": "'", "’": "'"},
}


def speak() -> None:
    """Let standard output and errors spell out what they cannot encode, instead of failing on it.

    What is in UTF-8 stays as it is, as does what somebody put in their place.
    """
    codecs.register_error(HANDLER, _spelled_out)
    for stream in (sys.stdout, sys.stderr):
        _let_speak(stream)


def _let_speak(stream: TextIO | None) -> None:
    """``stream`` is None for a program that was started without one."""
    if not isinstance(stream, io.TextIOWrapper):
        return
    if codecs.lookup(stream.encoding).name != "utf-8" or stream.errors == "strict":
        stream.reconfigure(errors=HANDLER)


def _spelled_out(error: UnicodeError) -> tuple[str, int]:
    """``→`` as ``->``, other letters as JSON and Python write them: ``\\u0416``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_SIGNS.get(letter) or _escaped(letter) for letter in lost), error.end


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place] << 8 | units[place + 1]:04x}" for place in range(0, len(units), 2))
