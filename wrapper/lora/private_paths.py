"""Paths of somebody's disk within a text, and the text without them."""

from __future__ import annotations

import re

HIDDEN = "(path)"
WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
"""Files whose own name says only which model it is: the folders before it go, the name stays."""
_START = r"(?:file://|[A-Za-z]:[\\/]|\\\\(?=[^\\\s]+\\)|~[\\/]|\.{1,2}[\\/]|/(?=[^/\s]+/))"
_PART = r"""[^\s/\\"',;<>|](?:[^/\\\n"',;<>|]*[^\s/\\"',;<>|])?"""
_PATH = re.compile(rf"""(?<![\w:/.\\-]){_START}(?:{_PART}[\\/])*[^\s/\\"',;<>|]*""")
_WHOLE = re.compile(rf"""{_START}[^\n"',;<>|]*""")


def without_paths(text: str, *, keep_last: bool = False, whole: bool = False) -> str:
    """``text`` without the folders of any path in it; weights keep their own name.

    ``keep_last``: the last name of a path stays whatever it is. ``whole``: all of ``text`` is one path.

    >>> without_paths("/home/anna/models/base.safetensors"), without_paths("see C:\\\\Users\\\\anna\\\\x.txt")
    ('base.safetensors', 'see (path)')
    """
    if whole or _WHOLE.fullmatch(text) or _is_weights(text):
        return _last(text, keep_last)
    return _PATH.sub(lambda found: _last(found[0], keep_last), text)


def is_path(text: str) -> bool:
    """Whether ``text`` can be the name of a place: it has a separator."""
    return "/" in text or "\\" in text


def _is_weights(text: str) -> bool:
    return "\n" not in text and is_path(text) and text.lower().endswith(WEIGHTS) and "://" not in text


def _last(path: str, keep: bool) -> str:
    name = re.split(r"[\\/]", path.rstrip("\\/"))[-1]
    return name if name and (keep or name.lower().endswith(WEIGHTS)) else HIDDEN
