"""Where each setting of an imported file went: nothing is dropped in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NOWHERE = "-"
OFF = "off"
"""Why a setting that was switched off, or empty, is nowhere."""
_KEY, _VALUE, _PLACE = 36, 28, 34


@dataclass(frozen=True)
class Line:
    """``place`` is where ``key`` went, `NOWHERE` for a setting that has no place; ``why`` may be empty."""

    key: str
    value: Any
    place: str
    why: str = ""

    def __str__(self) -> str:
        value = " ".join(str(self.value).split())
        shown = value if len(value) <= _VALUE else f"{value[: _VALUE - 1]}…"
        return f"{self.key:<{_KEY}} {shown:<{_VALUE}} {self.place:<{_PLACE}} {self.why}".rstrip()


class Trail:
    """The lines of one import, in the order of the source."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def put(self, key: str, value: Any, place: str, why: str = "") -> None:
        """``key`` is now set at ``place``, such as ``[stage_a.kohya] network_dim``."""
        self.lines.append(Line(key, value, place, why))

    def drop(self, key: str, value: Any, why: str) -> None:
        """``key`` has no place in a project, for the reason ``why``."""
        self.lines.append(Line(key, value, NOWHERE, why))

    def table(self) -> str:
        """A head line, what was taken over, what has no place, and the names of what was off."""
        head = Line("in the file", "value", "now in", "note")
        placed = [line for line in self.lines if line.place != NOWHERE]
        dropped = [line for line in self.lines if line.place == NOWHERE and line.why != OFF]
        off = [line.key for line in self.lines if line.place == NOWHERE and line.why == OFF]
        shown = "\n".join(str(line) for line in (head, *placed, *dropped))
        return f"{shown}\n{OFF}, and left out: {', '.join(off)}" if off else shown
