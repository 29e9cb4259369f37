"""What a prompt reads as: without its syntax, and with letters that are disguised put right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_ONES = "one two three four five six seven eight nine".split()  # noqa: SIM905
_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_NUMBER_WORD = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:[- ]?({'|'.join(_ONES)}))?|({'|'.join(_TEENS + _ONES)}))\b"
)

_TAG = re.compile(r"<\s*\w+\s*:[^<>]*>")
_WEIGHT = re.compile(r":\s*[-+]?(?:[01](?:\.\d*)?|\d\.\d+|\.\d+)\s*[)\]]")
"""``(age:15)`` stays: who writes that may mean it."""
_SYNTAX = re.compile(r"[()\[\]{}<]|\bBREAK\b|\bAND\b")
_YEARS = re.compile(
    r"year|yr|\by\b|y/?o|age|school|month|birthday|\d|girl|boy|legal|under|sweet", re.IGNORECASE
)
_PLAYED_DOWN = re.compile(r"\([^()]*:\s*(?:-\s*[\d.]+|\+?0?\.[0-4]\d*|\+?0(?:\.0*)?)\s*\)|\[+[^\[\]:|]*\]+")
_SPLIT = re.compile(r"\bBREAK\b|\bAND\b|[,;|+]")

_LOOKALIKES = str.maketrans("аеорсухіјѕһԁӏкмнтвαοειντρυχκ", "aeopcyxijshdlkmhtbaoeivtpuxk")
_LATIN_WORD = re.compile(r"\w*[a-z]\w*")
_FIGURES = (str.maketrans("0134578", "oieastb"), str.maketrans("0134578", "oleastb"))
_FIGURE_INSIDE = re.compile(r"(?<=[a-z])[0134578]+(?=[a-z0134578]*\b)")
_SPACED = re.compile(r"\b(?:[a-z][ .*-]){2,}[a-z]\b")
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")


def readings(text: str) -> Iterator[str]:
    """`plain_text` of ``text`` without weights; then of every other way to read it, where there is one.

    Without separators, without brackets, without what weighs little: ``"(15:1.2), year BREAK old"``. With
    letters in the place of figures, without spaces and hyphens between letters: ``"ch1ld"``, ``"t e e n"``.
    """
    bare = unweighted(text)
    plain = plain_text(bare)
    yield plain
    yield from _without_syntax(text, bare)
    yield from _undisguised(plain)


def _without_syntax(text: str, bare: str) -> Iterator[str]:
    if _SYNTAX.search(text) or (_SPLIT.search(text) and _YEARS.search(text)):
        strong = unweighted(_PLAYED_DOWN.sub(" ", text))
        for other in (_SPLIT.sub(" ", bare), re.sub(r"[()\[\]{}]", "", bare), strong):
            if other != bare:
                yield plain_text(other)


def _undisguised(plain: str) -> Iterator[str]:
    """``plain`` in which something looked like a letter, or stood between letters."""
    closed = _HYPHEN.sub("", _SPACED.sub(lambda found: re.sub(r"[ .*-]", "", found[0]), plain))
    lettered = (_FIGURE_INSIDE.sub(lambda at, to=to: at[0].translate(to), closed) for to in _FIGURES)
    for other in dict.fromkeys((closed, *lettered)):
        if other != plain:
            yield _in_digits(other)


def unweighted(text: str) -> str:
    """``text`` without LoRA tags and the numbers of its weights."""
    return _WEIGHT.sub(")", _TAG.sub(" ", text))


def plain_text(text: str) -> str:
    """Lower case, number words as digits, without prompt brackets, underscores and invisible characters.

    A letter of another alphabet within a Latin word is the Latin one that it looks like.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
        text = re.sub(r"[‐-―−]", "-", re.sub(r"[‘’]", "'", text))
        text = _LATIN_WORD.sub(lambda word: word[0].translate(_LOOKALIKES), text)
    return _in_digits(re.sub(r"\s+", " ", re.sub(r"[()\[\]{}\\_*\"]", " ", text)))


def _in_digits(text: str) -> str:
    return _NUMBER_WORD.sub(_digits, text)


def _digits(match: re.Match[str]) -> str:
    tens, ones, small = match.groups()
    if small:
        return str((_ONES + _TEENS).index(small) + 1)
    return str(20 + 10 * _TENS.index(tens) + (_ONES.index(ones) + 1 if ones else 0))
