"""Numbers and lists of names in sentences for people."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 3


def count_of(count: int, one: str, many: str = "") -> str:
    """``1 image``, ``12 images``; ``many`` where an s is not enough: ``image has``, ``images have``."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def some(names: Iterable[object], shown: int = SHOWN) -> str:
    """``a, b, c and 4 more``."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(listed[:shown]) + more
