"""The prompt library of ``data/phrases.toml``: words for every bucket, negatives, caption templates."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from dataset_tools.errors import UserError, did_you_mean
from dataset_tools.manifests.schema import ManifestRow

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LIBRARY_FILE = Path(__file__).parent.parent / "data" / "phrases.toml"


@cache
def library() -> Mapping[str, Mapping[str, Any]]:
    """The whole of ``phrases.toml``: ``words``, ``negatives``, ``templates``."""
    return cast(Mapping[str, Mapping[str, Any]], tomllib.loads(LIBRARY_FILE.read_text(encoding="utf-8")))


def phrase(kind: str, value: str, side: str = "") -> str:
    """Words for one value: ``phrase("ear_shape", "flat", "left")`` → ``flat-attached left ear``.

    Raises `UserError` for a kind that the library lacks. A value that it lacks is the user's own word: for a
    skin tone, ear shape or lobe the noun is added, other values are taken as they are.
    """
    kinds = library()["words"]
    if kind not in kinds:
        known = ", ".join(kinds)
        raise UserError(f"phrases: there are no words for '{kind}'.", did_you_mean(kind, kinds) or known)
    text = str(kinds[kind].get(value, _OWN_WORDS.get(kind, "{value}")))
    return text.replace("{value}", value).replace("{side}", f"{side} " if side in ("left", "right") else "")


_OWN_WORDS = {"skin_tone": "{value} skin", "ear_shape": "{value} {side}ear", "lobe": "{value} earlobe"}


def words(row: ManifestRow) -> dict[str, str]:
    """Words for every bucket of ``row``, empty where the row leaves it out or there is nothing to say.

    ``ear`` joins shape and lobe, and is empty when no ear can be seen.
    """
    found = {kind: _row_words(row, kind) for kind in library()["words"]}
    seen = row.ear_visible and row.ear_side != "none"
    return {**found, "ear": ", ".join(filter(None, (found["ear_shape"], found["lobe"]))) if seen else ""}


def _row_words(row: ManifestRow, kind: str) -> str:
    value = getattr(row, kind)
    if not value:
        return ""
    text = phrase(kind, value, row.ear_side)
    if row.ear_side == "both" and kind in ("type", "ear_shape", "occlusion"):
        return _plural(text)
    return text


def _plural(text: str) -> str:
    return f"{text}s" if text.endswith(" ear") else text


def template(name: str) -> str:
    """The shipped caption template ``name``. Raises `UserError` with the nearest name."""
    templates = library()["templates"]
    if name not in templates:
        hint = (
            did_you_mean(name, templates) or f"Shipped: {', '.join(templates)}; or write {{{{ trigger }}}} …"
        )
        raise UserError(f"captions.template: there is no template '{name}'.", hint)
    return str(templates[name])


def negative(kinds: Iterable[str] | None = None) -> str:
    """Negative prompt of ``kinds`` (``skin``, ``size``, ``count``, ``geometry``, …), or of all of them."""
    negatives = library()["negatives"]
    chosen = list(negatives) if kinds is None else list(kinds)
    for kind in chosen:
        if kind not in negatives:
            hint = did_you_mean(kind, negatives) or ", ".join(negatives)
            raise UserError(f"phrases: there is no negative '{kind}'.", hint)
    return ", ".join(str(negatives[kind]) for kind in chosen)
