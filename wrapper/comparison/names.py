"""File names for cells: readable, the same in every run, and never longer than a file system allows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from dataset_tools.files import data_hash
from dataset_tools.system.portable_names import cut, folded, is_device
from wrapper.comparison.look import Look

MAX_WORD_BYTES, MAX_BYTES = 60, 180
_OTHER = re.compile(r"[^\w.+-]+")


def named(parts: Mapping[Look, Sequence[str]]) -> dict[Look, str]:
    """A file name without its end for each look, from the words that tell it apart.

    Where two come out equal, the looks themselves tell them apart, by a part of their hash.
    """
    names = {look: _joined(words) for look, words in parts.items()}
    taken = Counter(map(folded, names.values()))
    return {
        look: name if taken[folded(name)] == 1 else f"{name}_{data_hash(asdict(look))[:8]}"
        for look, name in names.items()
    }


def _joined(words: Sequence[str]) -> str:
    name = cut("_".join(filter(None, map(slug, words))), MAX_BYTES).rstrip("-._") or "picture"
    return f"_{name}" if is_device(name) else name


def slug(text: str) -> str:
    """``a woman, seed 1`` → ``a-woman-seed-1``: letters of any script, digits, ``.+-_``."""
    plain = _OTHER.sub("-", text).strip("-.")
    return cut(plain, MAX_WORD_BYTES).rstrip("-.")
