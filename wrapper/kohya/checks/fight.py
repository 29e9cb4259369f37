"""Two values that do not go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Values = Mapping[str, Any]
"""A training file's values, flat."""


class Fight(NamedTuple):
    """``fails`` is False where it trains all the same; the first quoted name in ``text`` is where to look."""

    text: str
    fails: bool = True
