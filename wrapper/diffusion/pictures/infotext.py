"""A1111's generation parameters as text: prompt, negative prompt, one line of ``Key: value`` pairs.

Read as A1111 1.10 reads them (``modules/infotext_utils.py``): lines lose the space about them, a line that
begins with ``Negative prompt:`` ends the prompt, and the last line is the pairs when it has three or more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dataset_tools.data_text import from_json
from dataset_tools.errors import UserError
from wrapper import __version__

NEGATIVE = "Negative prompt:"
PROGRAM = f"lorawrap {__version__}"
MIN_FIELDS = 3
"""A last line with fewer pairs is prompt text."""

_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_NEEDS_QUOTES = re.compile(r'[,:\n\r"]|^\s|\s$')
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Infotext:
    """What made a picture. ``fields`` keeps its order: Steps, Sampler, CFG scale, Seed, Size, …"""

    prompt: str
    negative: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def settle_prompt(text: str, what: str = "prompt") -> str:
    """``text`` as it comes back out of a picture: lines without space about them, none empty at the ends.

    A later line that begins with ``Negative prompt:`` joins the one before it. Raises `UserError` for a
    prompt that begins so, and for characters that are no text.
    """
    strange = _NO_TEXT.search(text)
    if strange:
        raise UserError(f"The {what} has a character that is no text (U+{ord(strange[0]):04X}).")
    settled = "\n".join(line.strip() for line in text.split("\n")).strip()
    if what == "prompt" and settled.startswith(NEGATIVE):
        raise UserError(
            f"The prompt begins with '{NEGATIVE}'.", "What should not be shown is given with --negative."
        )
    return re.sub(rf"\n+{NEGATIVE}", f" {NEGATIVE}", settled)


def write_infotext(info: Infotext) -> str:
    """``info`` as A1111 writes it and reads it back; empty values are left out, as it cannot read them."""
    lines = [settle_prompt(info.prompt)]
    if negative := settle_prompt(info.negative, "negative prompt"):
        lines.append(f"{NEGATIVE} {negative}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in info.fields.items() if value))
    return "\n".join(lines)


def parse_infotext(text: str) -> Infotext:
    """Read A1111's text; a last line that is no list of pairs belongs to the prompt."""
    lines = text.strip().split("\n")
    pairs = _PAIR.findall(lines[-1])
    if len(pairs) >= MIN_FIELDS:
        lines.pop()
    else:
        pairs = []
    prompt, negative = _split_negative([line.strip() for line in lines])
    return Infotext(prompt, negative, {key: _unquoted(value) for key, value in pairs if value})


def _split_negative(lines: list[str]) -> tuple[str, str]:
    first = next((n for n, line in enumerate(lines) if line.startswith(NEGATIVE)), len(lines))
    negative = [line.removeprefix(NEGATIVE).strip() for line in lines[first:]]
    return "\n".join(lines[:first]).lstrip("\n"), "\n".join(negative).lstrip("\n")


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if _NEEDS_QUOTES.search(value) else value


def _unquoted(value: str) -> str:
    if not (value.startswith('"') and value.endswith('"')):
        return value
    try:
        return str(from_json(value))
    except ValueError:
        return value


def short_number(value: float) -> str:
    """``0.7`` → ``0.7``, ``5.0`` → ``5``: the fewest digits that are read back as the same number."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)
