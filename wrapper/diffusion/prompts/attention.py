"""A1111's attention syntax: a prompt → pieces of text with weights (``modules/prompt_parser.py``, 1.10)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dataset_tools.errors import UserError

STRONGER = 1.1
"""What one pair of round brackets multiplies by, and one pair of square brackets divides by."""

_TOKEN = re.compile(
    r"""\\(?P<escaped>[()\[\]\\]?)       # a bracket that means itself; any other backslash is dropped
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+ | :)""",
    re.VERBOSE,
)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")


@dataclass(frozen=True)
class Piece:
    """Text of one weight, as it goes to the tokenizer."""

    text: str
    weight: float = 1.0


def parse(prompt: str) -> list[list[Piece]]:
    """The sections of ``prompt`` between BREAKs, each a list of pieces; at least one section.

    ``"a (cat:1.2) [in] a tree"`` → ``[[("a ", 1), ("cat", 1.2), (" ", 1), ("in", 1/1.1), (" a tree", 1)]]``.
    A bracket that is never closed acts to the end, one that was never opened is text, as in A1111. Raises
    `UserError` for a weight that is no number.
    """
    draft = _Draft()
    for token in _TOKEN.finditer(prompt):
        draft.take(token)
    return draft.finished()


def literal(text: str) -> str:
    """``text``, a caption for example, as a prompt in which nothing has a meaning of its own.

    ``"a man (left ear)"`` → ``"a man \\(left ear\\)"``.
    """
    escaped = re.sub(r"[\\()\[\]]", r"\\\g<0>", text)
    return re.sub(r"\b(BR|A)(?=(?:EAK|ND)\b)", r"\1\\", escaped)


@dataclass
class _Draft:
    """Texts and weights so far, a BREAK as None; and where the open brackets of each kind began."""

    texts: list[str | None] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    opened: dict[str, list[int]] = field(default_factory=lambda: {"(": [], "[": []})

    def take(self, token: re.Match[str]) -> None:
        kind, text = token.lastgroup, token[0]
        if kind == "escaped":
            self._add(token["escaped"])
        elif kind == "open":
            self.opened[text].append(len(self.texts))
        elif kind == "weight" and self.opened["("]:
            self._multiply(self.opened["("].pop(), _number(token["weight"], text))
        elif kind == "close" and self.opened[_OPENING[text]]:
            self._multiply(self.opened[_OPENING[text]].pop(), _FACTORS[_OPENING[text]])
        else:
            self._add_sections(text)

    def finished(self) -> list[list[Piece]]:
        for bracket in ("(", "["):
            for start in self.opened[bracket]:
                self._multiply(start, _FACTORS[bracket])
        sections: list[list[Piece]] = [[]]
        for text, weight in zip(self.texts, self.weights, strict=True):
            if text is None:
                sections.append([])
            elif sections[-1] and sections[-1][-1].weight == weight:
                sections[-1][-1] = Piece(sections[-1][-1].text + text, weight)
            else:
                sections[-1].append(Piece(text, weight))
        return sections

    def _add(self, text: str | None) -> None:
        self.texts.append(text)
        self.weights.append(1.0)

    def _add_sections(self, text: str) -> None:
        for number, part in enumerate(_BREAK.split(text)):
            if number:
                self._add(None)
            self._add(part)

    def _multiply(self, start: int, factor: float) -> None:
        for place in range(start, len(self.weights)):
            self.weights[place] *= factor


_OPENING = {")": "(", "]": "["}
_FACTORS = {"(": STRONGER, "[": 1 / STRONGER}


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(
            f"The prompt's '{where}': '{text}' is not a number.", "For example (word:1.2)."
        ) from None
