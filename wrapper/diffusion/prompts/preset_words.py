"""The words of a preset: ``{skin_tone}`` and its like filled in from the prompt library, adults only."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dataset_tools.captioning.phrases import library, phrase
from dataset_tools.errors import UserError, did_you_mean
from dataset_tools.manifests.safety import UNDER_18, refuse_prompt

PLACEHOLDER = re.compile(r"\{(\w+)\}")
SIDE = "ear_side"
SIDES = ("left", "right", "both", "none")
OWN_WORDS = ("skin_tone", "ear_shape", "lobe")
"""Kinds for which a value that the library lacks is the user's own word."""


def known_placeholders() -> list[str]:
    return ["trigger", "class_word", *library()["words"]]


def check_values(values: Mapping[str, str]) -> None:
    """Raise `UserError` for a kind or a value that there is not, and for an age under 18."""
    kinds = library()["words"]
    for kind, value in values.items():
        known = list(SIDES) if kind == SIDE else list(kinds.get(kind, ()))
        if kind != SIDE and kind not in kinds:
            hint = did_you_mean(kind, [*kinds, SIDE]) or f"Known: {', '.join([*kinds, SIDE])}."
            raise UserError(f"There are no words for '{kind}'.", hint)
        if (kind, value) == ("age", UNDER_18):
            raise UserError(
                f"age={UNDER_18}: no preset draws a person under 18.", f"Known: {', '.join(known[1:])}."
            )
        if value not in known and kind not in OWN_WORDS:
            hint = did_you_mean(value, known) or f"Known: {', '.join(known)}."
            raise UserError(f"{kind}={value}: there is no such value.", hint)


def fill(text: str, values: Mapping[str, str], trigger: str, class_word: str) -> str:
    """``text`` with every placeholder filled in; parts between commas that come out empty are dropped.

    Raises `UserError` for a value that ``text`` has no place for, and for a text that asks for somebody
    under 18.
    """
    for kind in values:
        if kind != SIDE and f"{{{kind}}}" not in text:
            places = ", ".join(name for name in PLACEHOLDER.findall(text) if name in library()["words"])
            raise UserError(f"This preset has no place for '{kind}'.", f"It has: {places}.")
    own = {"trigger": trigger, "class_word": class_word}
    filled = PLACEHOLDER.sub(lambda found: own.get(found[1], _words(found[1], values)), text)
    parts = (" ".join(part.split()) for part in filled.split(","))
    prompt = ", ".join(part for part in parts if part)
    refuse_prompt(prompt)
    return prompt


def _words(kind: str, values: Mapping[str, str]) -> str:
    side = values.get(SIDE, "")
    if kind not in values:
        return ""
    words = phrase(kind, values[kind], side)
    return f"{words}s" if side == "both" and words.endswith(" ear") else words
