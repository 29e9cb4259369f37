"""The words that call a LoRA up, from wherever programs keep them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dataset_tools.data_text import bounded_text, from_json

_FOLDER_TABLES = ("ss_tag_frequency", "ss_dataset_dirs")
_SAME_NAME = re.compile(r" \(\d+\)$")
"""What sd-scripts puts behind a folder's name that it has already."""
_MOST_TAGS = 8
_MAX_SIDE_CAR_BYTES = 1 << 22


class Trigger(NamedTuple):
    """Words, and where they were found."""

    words: str
    source: str


def triggers(path: Path, metadata: Mapping[str, str]) -> list[Trigger]:
    """All that may call the LoRA up, the surest first, each wording once."""
    found: dict[str, Trigger] = {}
    for trigger in (*_told(metadata), *_beside(path), *_of_folders(metadata), *_of_tags(metadata)):
        if trigger.words and trigger.words not in found:
            found[trigger.words] = trigger
    return list(found.values())


def _told(metadata: Mapping[str, str]) -> Iterator[Trigger]:
    yield Trigger(metadata.get("modelspec.trigger_phrase", "").strip(), "modelspec.trigger_phrase")


def _beside(path: Path) -> Iterator[Trigger]:
    """A1111's user metadata, and what its Civitai helper writes."""
    text = _read(path.with_suffix(".json")).get("activation text")
    if isinstance(text, str):
        yield Trigger(text.strip(), path.with_suffix(".json").name)
    words = _read(path.with_suffix(".civitai.info")).get("trainedWords")
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        yield Trigger(", ".join(words), path.with_suffix(".civitai.info").name)


def _of_folders(metadata: Mapping[str, str]) -> Iterator[Trigger]:
    """``10_anna woman`` → ``anna woman``; ``10_anna woman (2)`` is another folder of the same name."""
    for table in _FOLDER_TABLES:
        for folder in _table(metadata.get(table, "")):
            repeats, _, words = folder.partition("_")
            if repeats.isdecimal() and words:
                yield Trigger(_SAME_NAME.sub("", words).strip(), f"a folder of {table}")


def _of_tags(metadata: Mapping[str, str]) -> Iterator[Trigger]:
    """The tags that stand in the most captions."""
    counts: dict[str, int] = {}
    for tags in _table(metadata.get("ss_tag_frequency", "")).values():
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            if type(count) is int:
                counts[tag.strip()] = counts.get(tag.strip(), 0) + count
    most = sorted(counts, key=lambda tag: -counts[tag])[:_MOST_TAGS]
    if most:
        yield Trigger(", ".join(most), "the most frequent tags")


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_SIDE_CAR_BYTES:
            return {}
        return _table(bounded_text(path, "utf-8-sig"))
    except (OSError, ValueError):
        return {}


def _table(text: str) -> dict[str, Any]:
    try:
        found = from_json(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
