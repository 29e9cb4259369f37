"""A1111's generation parameters as text: prompt, negative prompt, one line of ``Key: value`` pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from wrapper import __version__

NEGATIVE = "Negative prompt: "
PROGRAM = f"lorawrap {__version__}"
MIN_FIELDS = 3
"""A last line with fewer pairs is prompt text, as A1111 reads it (modules/infotext_utils.py, 1.10)."""

_PAIR = re.compile(r'\s*(\w[\w \-/]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')


@dataclass(frozen=True)
class Infotext:
    """What made a picture. ``fields`` keeps its order: Steps, Sampler, CFG scale, Seed, Size, …"""

    prompt: str
    negative: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def write_infotext(info: Infotext) -> str:
    """``info`` as A1111 writes it and reads it back."""
    lines = [info.prompt]
    if info.negative:
        lines.append(NEGATIVE + info.negative)
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in info.fields.items()))
    return "\n".join(lines)


def parse_infotext(text: str) -> Infotext:
    """Read A1111's text; a last line that is no list of pairs belongs to the prompt."""
    lines = text.strip().split("\n")
    pairs = _PAIR.findall(lines[-1])
    if len(pairs) >= MIN_FIELDS:
        lines.pop()
    else:
        pairs = []
    prompt, negative = _split_negative(lines)
    return Infotext(prompt, negative, {key: _unquoted(value) for key, value in pairs})


def _split_negative(lines: list[str]) -> tuple[str, str]:
    for number, line in enumerate(lines):
        if line.startswith(NEGATIVE.rstrip()):
            first = line[len(NEGATIVE.rstrip()) :].lstrip()
            return "\n".join(lines[:number]), "\n".join([first, *lines[number + 1 :]])
    return "\n".join(lines), ""


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ',:\n"') else value


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value.strip()
    try:
        return str(json.loads(value))
    except ValueError:
        return value
