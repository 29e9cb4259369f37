"""Names that a LoRA may have in every program, and the same name said in another way."""

from __future__ import annotations

import re
import unicodedata

from dataset_tools.errors import UserError
from dataset_tools.system.portable_names import folded, is_device

FORBIDDEN = ':>=,<"/\\|?*#'
"""``: > = ,`` end A1111's ``<lora:NAME:1>``, ``#`` begins a comment in its prompts (1.10); the others cannot
be in a file's name everywhere."""
MAX_BYTES = 200
_BAD = re.compile(rf"[{re.escape(FORBIDDEN)}]")
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
_BIDI = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


def check_name(name: str, option: str = "--name") -> str:
    """``name``, when every program can load a LoRA called so; raises `UserError` otherwise."""
    bad = sorted(set(_BAD.findall(name)))
    if bad:
        raise _refusal(name, f"{' '.join(map(repr, bad))} cannot be in a LoRA's name", option)
    if any(_is_unseen(letter) for letter in name):
        raise _refusal(name, "it has characters that cannot be seen", option)
    if name != name.strip() or name.startswith(".") or name.endswith("."):
        raise _refusal(name, "it begins or ends with a space or a dot", option)
    if not name or len(name.encode("utf-8")) > MAX_BYTES:
        raise _refusal(name, f"it must have 1 to {MAX_BYTES} bytes", option)
    if is_device(name):
        raise _refusal(name, "Windows keeps it for a device", option)
    return name


def same_name(one: str, other: str) -> bool:
    """Whether a file system may take both for the same: case and Unicode form aside."""
    return folded(one) == folded(other)


def _is_unseen(letter: str) -> bool:
    return letter in _BIDI or unicodedata.category(letter) in _UNSEEN


def _refusal(name: str, why: str, option: str) -> UserError:
    shown = "".join("?" if _is_unseen(letter) else letter for letter in name)
    seen = "".join(letter for letter in name if not _is_unseen(letter))
    better = _BAD.sub("_", seen).strip(" .")[: MAX_BYTES // 4]
    if not better or is_device(better):
        better = f"my_{better or 'lora'}"
    return UserError(
        f"The name '{shown}' does not work in A1111 and ComfyUI: {why}.", f"Give {option} '{better}'."
    )
