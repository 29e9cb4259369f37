"""One kind of axis: how its values are read, and what each changes in a `Look`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wrapper.comparison.look import Look
from wrapper.comparison.shelf import Shelf


@dataclass(frozen=True)
class Value:
    """One value of an axis, and what stands above its column."""

    value: Any
    label: str


@dataclass(frozen=True)
class Kind:
    """``title`` is what A1111's X/Y/Z plot calls it, ``example`` how it is written.

    Lower ``order`` changes a look first: a prompt before what is replaced in it, a LoRA before its weight.
    """

    title: str
    order: int
    read: Callable[[Sequence[str], Look, Shelf], list[Value]]
    change: Callable[[Look, Any], Look]
    example: str = ""
    aliases: tuple[str, ...] = ()
