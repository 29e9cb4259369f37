"""How many tokens a caption has: sd-scripts cuts off what is too long and says nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

CLIP = "openai/clip-vit-large-patch14"
DEFAULT_LIMIT = 75
_USUAL = 1.15
"""Tokens for each piece in English captions: rare words have several."""
_PIECE = re.compile(r"'(?:s|t|re|ve|m|ll|d)\b|[^\W\d_]+|\d|(?:[^\s\w]|_)+", re.IGNORECASE)
"""CLIP's tokenizer cuts a text into such pieces and makes one token or more of each (Radford et al. 2021)."""


def fewest_tokens(text: str) -> int:
    """No tokenizer of CLIP makes fewer: ``a red ear, 12 cm`` → 7."""
    return len(_PIECE.findall(text))


def usual_tokens(text: str) -> int:
    """An estimate without the vocabulary."""
    return round(fewest_tokens(text) * _USUAL)


def tokenizer_folder(cache_dir: str | None) -> Path | None:
    """CLIP's vocabulary where sd-scripts keeps it (``tokenizer_cache_dir``), else in the hub's cache."""
    if cache_dir:
        folder = Path(cache_dir) / CLIP.replace("/", "_")
        if (folder / "vocab.json").is_file():
            return folder
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(CLIP, "vocab.json")
    return Path(found).parent if isinstance(found, str) else None


@cache
def exact_counter(folder: Path) -> Callable[[str], int]:
    """Counts tokens with the vocabulary in ``folder``, without the two that begin and end a text."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    return lambda text: len(tokenizer.tokenize(text))
