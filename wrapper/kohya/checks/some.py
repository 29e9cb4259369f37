"""The first few of many names, for a message."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 3


def some(names: Iterable[object]) -> str:
    """``a, b, c and 4 more``."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
