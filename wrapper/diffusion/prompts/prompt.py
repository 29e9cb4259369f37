"""A prompt as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """What one picture is asked to show, and the seed of its noise."""

    text: str
    negative: str = ""
    seed: int = 0
