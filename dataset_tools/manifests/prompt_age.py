"""Does a text ask for a person under 18? Words of many languages, ages in digits and words, age buckets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from dataset_tools.manifests.prompt_readings import plain_text, readings, unweighted

ADULT = 18
_N = r"(?<![\d.])(\d{1,3})(?:\.\d+)?"
_RANGE = rf"{_N}(?:\s*(?:-|to|or|and)\s*\d{{1,3}})?"
_THING = r"(?!s?\s*(?:scar|wound|tattoo|beard|stubble|camera|car)s?\b)"
_AGES = (
    re.compile(rf"{_RANGE}[\s-]*(?:years?|yrs?|y)[\s./-]*(?:olds?|o)\b{_THING}"),
    re.compile(rf"{_RANGE}[\s-]*(?:years?|yrs?)[\s-]*(?:of age|young)\b"),
    re.compile(rf"{_N}\s?(?:yrs?|y)\b"),
    re.compile(
        rf"\b(?:ages?|aged|sweet)\s*(?:group|range)?\s*(?:of|is|[=:-])?\s*{_RANGE}(?!\d|\s*-?\s*(?:mm|cm|k\b))"
    ),
    re.compile(r"\bages?\s*(\d{2})\d{2}\b(?<=1517|1822|2325|2630|3135)"),
    re.compile(rf"{_N}(?:st|nd|rd|th) birthday\b"),
    re.compile(
        r"\b(?:(?:she|he)(?:'s| is| was)?|is|turning|female|male|person|woman|man|girl|boy"
        r"|patient|subject|student),?\s+"
        r"(\d{2})(?=\s*(?:[,.;!?|]|$))"
    ),
    re.compile(r"\b(15)\s*(?:-|to)\s*17\b"),
    re.compile(
        r"\b(?:looks?|looking|appears?|appearing|seems?)\s+"
        r"(?:(?:to be|like|about|around|only|just|barely)\s+)*"
        r"(\d{1,2})(?=\s*(?:[,;!?|]|$|(?:years?|yrs?|or|and|with|in)\b))"
    ),
    re.compile(
        r"\b(?:woman|man|girl|boy|person|lady|guy|someone|model|patient) of (\d{1,2})"
        r"(?=\s*(?:[,.;!?|]|$|(?:with|in|on|at|who|and|wearing)\b))"
    ),
    re.compile(
        rf"(?<!for )(?<!after )(?<!in )(?<!over )(?<!past )(?<!last ){_N}\s*(?:years?|yrs?)"
        r"(?=\s*(?:[,;.!?|]|$))"
    ),
    re.compile(rf"{_N}[\s-]*(?:jahre?|jährig\w*|(?:лет|года?)(?! опыт)|летн\w+|ans|años?|anni|anos)\b"),
    re.compile(rf"{_N}\s*[歳才岁歲세살]"),
    re.compile(r"\b(\d{2}) going on \d"),
)
"""Each finds an age in years in its first group."""
_BORN = re.compile(r"\bborn\s+(?:in\s+)?((?:19|20)\d\d)\b")

_ALWAYS = re.compile(
    r"""\b(?:
      child(?:ren|s|like)? | kids? | kiddo | toddlers? | infants? | newborns? | neonates? | minors
    | (?:a|the)\s+minor(?=\s*(?:[,.;:!?|]|$|(?:with|in|on|at|who|and|wearing|sitting|standing|posing)\b))
    | bab(?:y|ies)\b(?!\s*(?:blue|pink|hairs?|'s\s+breath|grand|bump|oil))
    | (?:pre-?)?teen(?:s|ag(?:e|ed|er|ers))? | tweens? | adolescen(?:t|ts|ce) | juveniles? | youngsters?
    | kindergart\w* | (?:pre|high\s?)?schoolers? | school\s?(?:girl|boy|child|kid)\w*
    | (?:elementary|primary|middle|junior\s+high|grade|high)[\s-]school\s+(?:student|pupil|kid|age)\w*
    | elementary\s+(?:student|pupil)s? | school[\s-]aged? | puberty | pa?ediatric
    | (?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth
      |eleventh|twelfth)[\s-]*grade(?:rs?|\s+(?:student|pupil|girl|boy|kid)s?)
    | (?:her|his|their)\s+(?:(?:early|mid|late)[\s-]+)?10s | ^\s*minors?\s*$
    | (?:x(?:i{1,3}|iv|vi{0,2})?|v?i{1,3}|iv|vi{0,3}|ix)[\s-]+years?[\s-]+olds?
    | little\s+(?:girl|boy)s? | under-?\s?aged? | (?:pre-?)?pubescent | barely\s+legal | jailbait
    | loli(?:ta|s|con)? | shota(?:s|con)? | u18
    | (?:under|below|younger\s+than|less\s+than|not\s+yet)[\s-]*
      (?:the\s+age\s+of\s+)?18(?!\s*(?:cm|mm|%|kg|\d))
    | \d+[\s-]*months?[\s-]*(?:olds?|of\s+age)\b(?!s?\s*(?:scar|wound|tattoo|beard|stubble))
    | реб[её]н(?:ок|ка|ку|ком) | дет(?:и|ей|ям|ский|ская|ское) | девоч\w+ | мальчи\w+ | подрост\w+
    | (?:три|четыр[её]х|пяти|шести|семи|восьми|девяти|десяти
      |(?:один|две|три|четыр|пят|шест|сем)надцати)летн\w+
    | школьни\w+ | младен\w+ | дитин\w+ | дівчинк\w+ | підліт\w+ | dziec(?:ko|i) | dziewczynk\w+ | nastolat\w+
    | petites?\s+filles? | bébés? | menor(?:es)?\s+de\s+edad | menin[ao]s? | çocuk\w*
    | mädchen | jugendliche[rn]? | kleinkind | enfants? | fillette | garçonnet
    | bambin[aoie] | ni[ñn][oa]s? | adolescentes? | crianças?
    )\b | 少女|少年|子供|こども|儿童|兒童|小孩|女孩|男孩|女の子|男の子|幼女|女児|男児|[小中]学生|高校生
    | 未成年|ロリコン|ロリータ|萝莉|蘿莉 | 十[一二三四五六七]?[歳才岁歲]
    | 소녀|소년|어린이|청소년 | طفل | बच्च""",
    re.VERBOSE,
)
_UNLESS_ADULT = re.compile(
    r"\b\d?(?:girl|boy)s?\b|\b(?:lad|lass|youths?|high school|school uniform|jeune fille|garçon"
    r"|young(?:er)? (?:daughter|son))\b"
)
"""A child in plain speech, an adult in loose speech: an adult age beside the word settles it."""
_ADULT_WORD = re.compile(r"\b(?:adults?|grown-?\s?up)\b")


def asks_for_minor(text: str, *, adult: bool = False) -> str | None:
    """The words that ask for someone under 18, or None; ``adult`` when the subject is known to be one.

    ``"photo of a 16-year-old"`` → ``"16-year-old"``; ``"30-year-old woman, baby blue shirt"`` → None.
    The words are sought in all `readings` of the text.
    """
    found = (_minor_in(reading, adult=adult) for reading in readings(text))
    return next((words for words in found if words), None)


def asks_for_no_adult(negative: str) -> str | None:
    """The words by which a negative prompt keeps adults away, or None."""
    found = _NO_ADULT.search(plain_text(unweighted(negative)))
    return found.group(0) if found else None


_NO_ADULT = re.compile(
    r"\b(?:adults?(?![\s-]*(?:content|theme|toy|site|only|rating|film|video|movie))|grown-?\s?ups?"
    r"|(?:over|above)[\s-](?:the age of )?18|18\s?\+|18 or older|legal age)"
)


def _minor_in(plain: str, *, adult: bool) -> str | None:
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
    for match in _BORN.finditer(plain):
        yield date.today().year - int(match.group(1)) - 1, match.group(0)
