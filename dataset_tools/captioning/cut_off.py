"""An edit of captions that was cut off is taken back: done again, it changes every caption once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePath

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.errors import UserError
from dataset_tools.files import whole_file, write_text

MOST_BYTES = 1 << 30
NOTE = "unfinished.json"
"""Beside the originals while their captions are written: name → text as it is to be."""


def note(kept: Path, texts: Mapping[str, str]) -> None:
    """Say beside the originals in ``kept`` that an edit is under way."""
    write_text(kept / NOTE, json.dumps(texts, ensure_ascii=False))


def done(kept: Path) -> None:
    """Say that the edit is done."""
    (kept / NOTE).unlink()


def take_back(edits: Path) -> int:
    """Undo the edits below ``edits`` that were cut off; how many captions that took.

    A caption that was changed since by other means stays as it is. UserError for a note that is none of ours.
    """
    return sum(_taken_back(found.parent) for found in sorted(edits.glob(f"*/{NOTE}")))


def _taken_back(kept: Path) -> int:
    count = 0
    for name, text in _noted(kept / NOTE).items():
        caption = kept.parent.parent / name
        if caption.is_file() and caption.read_bytes() == text.encode("utf-8"):
            with whole_file(caption) as temporary:
                shutil.copyfile(kept / name, temporary)
            count += 1
    shutil.rmtree(kept)
    return count


def _noted(path: Path) -> dict[str, str]:
    try:
        texts = from_json(bounded_text(path, most_bytes=MOST_BYTES))
        if all(isinstance(text, str) and ".." not in PurePath(name).parts for name, text in texts.items()):
            return {name: text for name, text in texts.items() if not PurePath(name).is_absolute()}
    except (ValueError, AttributeError):
        pass
    raise UserError(f"{path}: is no note of an edit.", "Remove it.")
