"""A picture as data: boxes, lines and words at their places."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Box:
    """A filled rectangle; ``kind`` names its colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Rule:
    """A horizontal line."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Word:
    """A line of text; ``y`` is its base line, ``anchor`` start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    kind: str = "soft"
    size: int = 11


@dataclass
class Picture:
    """Everything to be drawn, in pixels from the top left corner."""

    width: int
    height: int
    alt: str
    boxes: list[Box] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
