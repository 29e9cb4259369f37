"""Does a text ask for a person under 18? Words, ages in digits and in words, age buckets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

ADULT = 18
_ONES = "one two three four five six seven eight nine".split()  # noqa: SIM905
_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_NUMBER_WORD = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:[- ]?({'|'.join(_ONES)}))?|({'|'.join(_TEENS + _ONES)}))\b"
)

_N = r"(?<![\d.])(\d{1,3})(?:\.\d+)?"
_RANGE = rf"{_N}(?:\s*(?:-|to|or|and)\s*\d{{1,3}})?"
_THING = r"(?!s?\s*(?:scar|wound|tattoo|beard|stubble|camera|car)s?\b)"
_AGES = (
    re.compile(rf"{_RANGE}[\s-]*(?:years?|yrs?|y)[\s./-]*(?:olds?|o)\b{_THING}"),
    re.compile(rf"{_RANGE}[\s-]*(?:years?|yrs?)[\s-]*(?:of age|young)\b"),
    re.compile(rf"{_N}\s?(?:yrs?|y)\b"),
    re.compile(rf"\b(?:ages?|aged|sweet)\s*(?:of|is|[=:-])?\s*{_RANGE}(?!\d|\s*-?\s*(?:mm|cm|k\b))"),
    re.compile(r"\bages?\s*(\d{2})\d{2}\b(?<=1517|1822|2325|2630|3135)"),
    re.compile(rf"{_N}(?:st|nd|rd|th) birthday\b"),
    re.compile(
        r"\b(?:(?:she|he)(?:'s| is| was)?|is|turning|female|male|person|woman|man|girl|boy),?\s+"
        r"(\d{2})(?=\s*(?:[,.;!?|]|$))"
    ),
    re.compile(r"\b(15)\s*(?:-|to)\s*17\b"),
)
"""Each finds an age in years in its first group."""

_ALWAYS = re.compile(
    r"""\b(?:
      child(?:ren|s|like)? | kids? | kiddo | toddlers? | infants? | newborns? | neonates? | minors
    | (?:a|the)\s+minor(?=\s*(?:[,.;:!?|]|$|(?:with|in|on|at|who|and|wearing|sitting|standing|posing)\b))
    | bab(?:y|ies)\b(?!\s*(?:blue|pink|hairs?|'s\s+breath|grand|bump|oil))
    | (?:pre-?)?teen(?:s|ag(?:e|ed|er|ers))? | tweens? | adolescen(?:t|ts|ce) | juveniles? | youngsters?
    | kindergart\w* | (?:pre|high\s?)?schoolers? | school\s?(?:girl|boy|child|kid)\w*
    | (?:elementary|primary|middle|junior\s+high|grade|high)[\s-]school\s+(?:student|pupil|kid|age)\w*
    | little\s+(?:girl|boy)s? | under-?\s?aged? | (?:pre-?)?pubescent | barely\s+legal | jailbait
    | loli(?:ta|s|con)? | shota(?:s|con)? | u18
    | (?:under|below|younger\s+than|less\s+than|not\s+yet)[\s-]*
      (?:the\s+age\s+of\s+)?18(?!\s*(?:cm|mm|%|kg|\d))
    | \d+[\s-]*months?[\s-]*(?:olds?|of\s+age)\b(?!s?\s*(?:scar|wound|tattoo|beard|stubble))
    | реб[её]н(?:ок|ка|ку|ком) | дет(?:и|ей|ям|ский|ская|ское) | девоч\w+ | мальчи\w+ | подрост\w+
    | школьни\w+ | младен\w+ | mädchen | jugendliche[rn]? | kleinkind | enfants? | fillette | garçonnet
    | bambin[aoie] | ni[ñn][oa]s? | adolescentes? | crianças?
    )\b | 少女|少年|子供|こども|儿童|兒童|小孩|女孩|男孩""",
    re.VERBOSE,
)
_UNLESS_ADULT = re.compile(r"\b\d?(?:girl|boy)s?\b|\b(?:lad|lass|youths?|high school|school uniform)\b")
"""A child in plain speech, an adult in loose speech: an adult age beside the word settles it."""
_ADULT_WORD = re.compile(r"\b(?:adults?|grown-?\s?up)\b")


def asks_for_minor(text: str, *, adult: bool = False) -> str | None:
    """The words that ask for someone under 18, or None; ``adult`` when the subject is known to be one.

    ``"photo of a 16-year-old"`` → ``"16-year-old"``; ``"30-year-old woman, baby blue shirt"`` → None.
    The words are also sought without what a prompt can be split by, and without what it plays down:
    ``"(15:1.2), year BREAK old"`` and ``"girl, (adult:0)"`` ask for one.
    """
    readings = (_minor_in(reading, adult=adult) for reading in _readings(text))
    return next((words for words in readings if words), None)


def asks_for_no_adult(negative: str) -> str | None:
    """The words by which a negative prompt keeps adults away, or None."""
    found = _NO_ADULT.search(_plain(_unweighted(negative)))
    return found.group(0) if found else None


_TAG = re.compile(r"<\s*\w+\s*:[^<>]*>")
_WEIGHT = re.compile(r":\s*[-+]?(?:[01](?:\.\d*)?|\d\.\d+|\.\d+)\s*[)\]]")
"""``(age:15)`` stays: who writes that may mean it."""
_SYNTAX = re.compile(r"[()\[\]{}<]|\bBREAK\b|\bAND\b")
_YEARS = re.compile(
    r"year|yr|\by\b|y/?o|age|school|month|birthday|\d|girl|boy|legal|under|sweet", re.IGNORECASE
)
_PLAYED_DOWN = re.compile(r"\([^()]*:\s*(?:-\s*[\d.]+|\+?0?\.[0-4]\d*|\+?0(?:\.0*)?)\s*\)|\[+[^\[\]:|]*\]+")
_SPLIT = re.compile(r"\bBREAK\b|\bAND\b|[,;|+]")
_NO_ADULT = re.compile(
    r"\b(?:adults?(?![\s-]*(?:content|theme|toy|site|only|rating|film|video|movie))|grown-?\s?ups?"
    r"|(?:over|above)[\s-](?:the age of )?18|18\s?\+|18 or older|legal age)"
)


def _readings(text: str) -> Iterable[str]:
    """``text`` without weights; then without separators, without brackets, without what weighs little."""
    bare = _unweighted(text)
    if not (_SYNTAX.search(text) or (_SPLIT.search(text) and _YEARS.search(text))):
        return (bare,)
    strong = _unweighted(_PLAYED_DOWN.sub(" ", text))
    return dict.fromkeys((bare, _SPLIT.sub(" ", bare), re.sub(r"[()\[\]{}]", "", bare), strong))


def _unweighted(text: str) -> str:
    return _WEIGHT.sub(")", _TAG.sub(" ", text))


def _minor_in(text: str, *, adult: bool) -> str | None:
    plain = _plain(text)
    found = _ALWAYS.search(plain)
    if found:
        return found.group(0)
    ages = list(_ages(plain))
    for age, words in ages:
        if age < ADULT:
            return words
    if adult or ages or _ADULT_WORD.search(plain):
        return None
    young = _UNLESS_ADULT.search(plain)
    return young.group(0) if young else None


def _ages(plain: str) -> Iterator[tuple[int, str]]:
    for pattern in _AGES if re.search(r"\d", plain) else ():
        for match in pattern.finditer(plain):
            yield int(match.group(1)), match.group(0).strip(" ,")


def _plain(text: str) -> str:
    """Lower case, number words as digits, without prompt brackets, underscores and invisible characters."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
        text = re.sub(r"[‐-―−]", "-", re.sub(r"[‘’]", "'", text))
    text = re.sub(r"\s+", " ", re.sub(r"[()\[\]{}\\_*\"]", " ", text))
    return _NUMBER_WORD.sub(_digits, text)


def _digits(match: re.Match[str]) -> str:
    tens, ones, small = match.groups()
    if small:
        return str((_ONES + _TEENS).index(small) + 1)
    return str(20 + 10 * _TENS.index(tens) + (_ONES.index(ones) + 1 if ones else 0))
