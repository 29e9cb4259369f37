"""Captions: one line each, the trigger word in it, sides swapped for mirrored copies."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.captioning.phrases import template as shipped_template
from dataset_tools.captioning.phrases import words
from dataset_tools.errors import UserError
from dataset_tools.manifests.caption_lines import caption_lines
from dataset_tools.manifests.places import ONLY_WITHIN, Within
from dataset_tools.manifests.schema import ManifestRow

if TYPE_CHECKING:
    from jinja2 import Template

_SIDE = re.compile(r"(?<![^\W\d_])(left|right)(?![^\W\d_])", re.IGNORECASE)
_OTHER_SIDE = {"left": "right", "right": "left"}
_TEMPLATE_NAME = re.compile(r"[\w-]*")


def render_caption(row: ManifestRow, template: str, trigger: str, class_word: str) -> str:
    """The caption of ``row``: its own, or ``template`` filled in (a shipped name, or Jinja2 text).

    Raises `UserError` for a template that is wrong, or that comes out empty for this row.
    """
    if row.caption is not None:
        return with_trigger(row.caption, trigger, class_word, row.image)
    text = shipped_template(template) if _TEMPLATE_NAME.fullmatch(template) else template
    return with_trigger(_joined(_filled(row, text, trigger, class_word)), trigger, class_word, row.image)


def with_trigger(text: str, trigger: str, class_word: str, where: object) -> str:
    """``text`` as one line; ``trigger class_word`` is put first when the trigger is not in it yet.

    Raises `UserError` when there is no text.
    """
    line = " ".join(text.split())
    if not line:
        raise UserError(
            f"{where}: the caption is empty.",
            "Give the row a caption or a prompt, or choose another captions.template.",
        )
    return line if has_word(line, trigger) else f"{trigger} {class_word}, {line}"


def has_word(text: str, word: str) -> bool:
    """Whether ``word`` stands in ``text`` by itself: ``myface`` is not in ``myfaces``."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def caption_from_file(image: Path, root: Path | None = None) -> str | None:
    """The first line of ``NAME.txt`` beside ``image`` that says something, or None when there is none.

    The trainer reads one line only. Raises `UserError` when the file is not UTF-8, or is a link that leads
    out of ``root``.
    """
    path = image.with_suffix(".txt")
    if not path.is_file():
        return None
    if root is not None and not Within(root).has(path):
        raise UserError(f"{path}: is a link that leads out of {root}.", ONLY_WITHIN)
    return next((line.strip() for line in caption_lines(path) if line.strip()), None)


def swap_sides(text: str, keep: str = "") -> str:
    """Exchange left and right as words, keeping their case: ``Left ear, bright`` → ``Right ear, bright``.

    ``keep``, the trigger word, stays as it is wherever it stands.
    """
    parts = re.split(f"({re.escape(keep)})", text) if keep else [text]
    return "".join(part if part == keep else _SIDE.sub(_swapped, part) for part in parts)


def mirrored_row(row: ManifestRow, trigger: str = "") -> ManifestRow:
    """``row`` as it is true of the mirrored picture: view, ear side, tags and every text but the trigger."""
    texts = {"prompt": row.prompt, "negative": row.negative, "caption": row.caption}
    swapped = {name: swap_sides(text, trigger) if text else text for name, text in texts.items()}
    sides = {"view": swap_sides(row.view), "ear_side": swap_sides(row.ear_side)}
    tags = {name: swap_sides(value, trigger) for name, value in row.tags.items()}
    return row.model_copy(update={**swapped, **sides, "tags": tags})


def _filled(row: ManifestRow, text: str, trigger: str, class_word: str) -> str:
    from jinja2 import TemplateError

    fields = row.model_dump(exclude={"consent", "image", "mask", "ear_box"})
    values = {**row.tags, **fields, "words": words(row), "trigger": trigger, "class_word": class_word}
    try:
        return _compiled(text).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{row.image}: captions.template: {error}",
            f"There are: {', '.join(sorted(values))}.",
        ) from error


@lru_cache(maxsize=8)
def _compiled(text: str) -> Template:
    """Compiled once: that takes longer than filling it in for many rows."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False).from_string(text)


def _joined(text: str) -> str:
    """Drop the parts between commas that came out empty."""
    parts = (part.strip() for part in text.split(","))
    return ", ".join(part for part in parts if part)


def _swapped(found: re.Match[str]) -> str:
    word, other = found[0], _OTHER_SIDE[found[0].lower()]
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other
