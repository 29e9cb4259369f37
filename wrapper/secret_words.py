"""Secrets of the environment, and passwords in addresses: left out of what is shown and written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

_NAMES = {"TOKEN", "TOKENS", "KEY", "KEYS", "APIKEY", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE"}
SHORTEST = 8
"""A shorter value is no secret worth its name, and stands in other words by chance."""
HIDDEN = "…"
_IN_ADDRESS = re.compile(
    r"(?P<before>[a-z][a-z+.-]*://)[^/\s@'\"]+@|"
    r"(?P<query>[?&](?:[\w-]*token|[\w-]*key|password|secret|sig|signature)=)[^&\s'\"]+",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Whether an environment variable's name says that its value is one: ``HF_TOKEN``, ``AWS_SECRET_KEY``."""
    return not _NAMES.isdisjoint(name.upper().split("_"))


def hider(environment: Mapping[str, str] = os.environ) -> Callable[[str], str]:
    """What takes the secrets of ``environment``, and those in addresses, out of a text."""
    values = {value for name, value in environment.items() if is_secret(name) and len(value) >= SHORTEST}
    words = [re.escape(value) for value in sorted(values, key=len, reverse=True)]
    known = re.compile("|".join(words)) if words else None

    def hide(text: str) -> str:
        plain = known.sub(HIDDEN, text) if known else text
        return _IN_ADDRESS.sub(_without, plain) if "=" in plain or "@" in plain else plain

    return hide


def _without(found: re.Match[str]) -> str:
    return f"{found['before']}{HIDDEN}@" if found["before"] else f"{found['query']}{HIDDEN}"
