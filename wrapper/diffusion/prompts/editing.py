"""A1111's syntax that makes a prompt change while a picture is drawn. It is refused, not misread."""

from __future__ import annotations

import re

from dataset_tools.errors import UserError
from wrapper.diffusion.prompts.attention import parse

_MARK = re.compile(r"\\.|[()\[\]|]", re.DOTALL)
_WHEN = re.compile(r"(?<!\\):\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$")
_AND = re.compile(r"\bAND\b")


def check_prompt(prompt: str) -> None:
    """Raise `UserError` for prompt editing, alternation, AND, and a weight that is no number."""
    edited = _editing(prompt)
    if edited and "|" in edited:
        raise UserError(
            f"The prompt's '{edited}': alternating words, step by step, are not supported.",
            r"Write one of them, or \[ and \] for brackets that mean themselves.",
        )
    if edited:
        raise UserError(
            f"The prompt's '{edited}': words that come or go at a step ([from:to:when]) are not supported.",
            r"A weight is written in round brackets, (word:0.8); \[ and \] are plain brackets.",
        )
    if _AND.search(prompt):
        raise UserError(
            "The prompt's 'AND': several prompts for one picture are not supported.",
            "Write 'and', or a comma.",
        )
    parse(prompt)


def _editing(prompt: str) -> str | None:
    """The first ``[a|b]`` or ``[a:b:number]`` in ``prompt``, innermost first, or None."""
    opened: list[tuple[str, int]] = []
    alternating: set[int] = set()
    for mark in _MARK.finditer(prompt):
        sign, place = mark[0], mark.start()
        if sign in "([":
            opened.append((sign, place))
        elif sign == "|" and opened and opened[-1][0] == "[":
            alternating.add(opened[-1][1])
        elif sign == ")" and opened and opened[-1][0] == "(":
            opened.pop()
        elif sign == "]" and opened and opened[-1][0] == "[":
            start = opened.pop()[1]
            if start in alternating or _WHEN.search(prompt[start + 1 : place]):
                return prompt[start : place + 1]
    return None
