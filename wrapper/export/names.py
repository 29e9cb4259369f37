"""Names that a file may have in both UIs."""

from __future__ import annotations

import re

from dataset_tools.errors import UserError

FORBIDDEN = ':>=,<"/\\|?*'
"""``: > = ,`` end A1111's ``<lora:NAME:1>``; the others cannot be in a file's name everywhere."""
MAX_BYTES = 200
_BAD = re.compile(rf"[{re.escape(FORBIDDEN)}\x00-\x1f\x7f]")


def check_name(name: str) -> str:
    """``name``, when A1111 and ComfyUI can both load a LoRA called so; raises `UserError` otherwise."""
    bad = sorted(set(_BAD.findall(name)))
    if bad:
        raise _refusal(name, f"{' '.join(map(repr, bad))} cannot be in a LoRA's name", _BAD.sub("_", name))
    if name != name.strip() or name.startswith(".") or name.endswith("."):
        raise _refusal(name, "it begins or ends with a space or a dot", name.strip(" ."))
    if not name or len(name.encode("utf-8")) > MAX_BYTES:
        raise _refusal(name, f"it must have 1 to {MAX_BYTES} bytes", "mylora")
    return name


def _refusal(name: str, why: str, better: str) -> UserError:
    return UserError(
        f"The name '{name}' does not work in A1111 and ComfyUI: {why}.", f"Give --name '{better}'."
    )
