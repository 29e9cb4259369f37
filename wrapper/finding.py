"""What was found out about something, for a person: how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """``level`` "fault" stops work, "note" is good to know."""

    level: Level
    subject: str
    text: str
    hint: str = ""
