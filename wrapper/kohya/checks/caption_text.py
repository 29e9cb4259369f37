"""What of a caption's text reaches the text encoder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wrapper.kohya.checks.caption_tokens import (
    DEFAULT_LIMIT,
    exact_counter,
    fewest_tokens,
    tokenizer_folder,
    usual_tokens,
)
from wrapper.kohya.checks.grouped import Grouped
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView

_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_WILDCARD = re.compile(r"\{[^{}]*\|[^{}]*\}")
_LONG_PIECE = 6
"""Tags have few words; a caption whose pieces have more on average is made of sentences."""
_REORDERING = ("shuffle_caption", "caption_tag_dropout_rate", "token_warmup_step")


@dataclass(frozen=True)
class Caption:
    """``lines`` are stripped, at least one of them is not empty."""

    path: Path
    lines: Sequence[str]


def check_texts(view: SubsetView, captions: Sequence[Caption], grouped: Grouped, findings: Findings) -> None:
    """Check what the caption files say; ``grouped`` takes what is said of a single file."""
    wildcards = view.get("enable_wildcard") is True
    texts: dict[Path, list[str]] = {}
    for caption in captions:
        texts[caption.path] = _lines_read(caption, wildcards, grouped)
        if any("\ufeff" in line for line in caption.lines):
            grouped.warn(caption.path, "it begins with a byte order mark.", "Save it as UTF-8 without one.")
    if not wildcards:
        _check_wildcards(texts, grouped)
    _check_separators(view, texts, findings)
    _check_lengths(view, texts, grouped)
    _check_token(view, texts, findings)
    _check_order(view, texts, findings)


def _lines_read(caption: Caption, wildcards: bool, grouped: Grouped) -> list[str]:
    """The lines that are trained: the first, or with wildcards any that is not empty."""
    filled = [line for line in caption.lines if line]
    if wildcards:
        return filled
    if not caption.lines[0]:
        grouped.error(caption.path, "the caption is empty.", "Its first line is, and no other is read.")
        return []
    if len(filled) > 1:
        grouped.error(caption.path, "only the first line of a caption is read.", "Put all of it there.")
    return [caption.lines[0]]


def _check_wildcards(texts: dict[Path, list[str]], grouped: Grouped) -> None:
    for path, lines in texts.items():
        if any(_WILDCARD.search(line) for line in lines):
            grouped.warn(path, "{a|b} is trained as it stands.", "Set enable_wildcard = true to choose.")


def _check_separators(view: SubsetView, texts: dict[Path, list[str]], findings: Findings) -> None:
    """sd-scripts takes the separator out of captions only where it reorders them."""
    separator = view.get("keep_tokens_separator")
    if not separator or any(view.get(key) for key in _REORDERING):
        return
    if any(separator in line for lines in texts.values() for line in lines):
        text = (
            f"'keep_tokens_separator' is ignored without shuffle_caption: {separator} stays in the captions."
        )
        findings.error(view.where("keep_tokens_separator"), text, "Set shuffle_caption, or take it out.")


def _check_lengths(view: SubsetView, texts: dict[Path, list[str]], grouped: Grouped) -> None:
    limit = _limit(view)
    if limit is None:
        return
    reordered = any(view.get(key) for key in _REORDERING) or view.get("enable_wildcard") is True
    count: Callable[[str], int] | None = None
    for path, lines in texts.items():
        longest = max((_framed(view, line) for line in lines), key=fewest_tokens, default="")
        fewest = fewest_tokens(longest)
        if fewest <= limit and usual_tokens(longest) * 2 > limit:
            count = count or _counter(view)
            fewest = count(longest)
        if fewest > limit:
            certain = not reordered and (count is not usual_tokens or fewest_tokens(longest) > limit)
            tell = grouped.error if certain else grouped.warn
            text = f"the caption has more than {limit} tokens: sd-scripts cuts off what follows."
            tell(path, text, "Shorten it." if limit > 150 else "Shorten it, or set max_token_length = 225.")


def _limit(view: SubsetView) -> int | None:
    """None for captions with weights, which are counted in another way."""
    if view.get("weighted_captions"):
        return None
    value = view.get("max_token_length")
    return value if isinstance(value, int) and value > DEFAULT_LIMIT else DEFAULT_LIMIT


def _counter(view: SubsetView) -> Callable[[str], int]:
    cache_dir = view.get("tokenizer_cache_dir")
    folder = tokenizer_folder(cache_dir if isinstance(cache_dir, str) else None)
    return exact_counter(folder) if folder else usual_tokens


def _framed(view: SubsetView, text: str) -> str:
    """As trained, with prefix and suffix."""
    parts = (view.get("caption_prefix"), text, view.get("caption_suffix"))
    return " ".join(str(part) for part in parts if part)


def _check_token(view: SubsetView, texts: dict[Path, list[str]], findings: Findings) -> None:
    """A caption replaces the class tokens, so the token has to be in it."""
    words = str(view.get("class_tokens") or "").split()
    if not words or view.is_reg:
        return
    token = words[0].lower()
    lacking = [
        path
        for path, lines in texts.items()
        if lines and not any(token in _framed(view, line).lower() for line in lines)
    ]
    if lacking:
        text = f"{len(lacking)} of {len(texts)} captions lack '{words[0]}': they replace class_tokens"
        findings.warn(view.where("class_tokens"), f"{text}, as {lacking[0].name}.", "Write it into them.")


def _check_order(view: SubsetView, texts: dict[Path, list[str]], findings: Findings) -> None:
    lines = [line for each in texts.values() for line in each]
    if view.get("flip_aug") is True and any(_SIDES.search(line) for line in lines):
        text = "flip_aug mirrors images whose captions say left or right."
        findings.warn(view.where("flip_aug"), text, "Leave it out, or the sides are learned wrongly.")
    if view.get("shuffle_caption") is True and any(_is_prose(line, view) for line in lines):
        text = "shuffle_caption tears sentences apart at their commas."
        findings.warn(view.where("shuffle_caption"), text, "Leave it out: it is meant for tags.")


def _is_prose(line: str, view: SubsetView) -> bool:
    pieces = [piece for piece in line.split(str(view.get("caption_separator") or ",")) if piece.strip()]
    return len(pieces) > 1 and len(line.split()) / len(pieces) > _LONG_PIECE
