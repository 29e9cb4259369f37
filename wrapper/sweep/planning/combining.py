"""Rows and axes → the settings of each trial: every row with every combination of the axes' values."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dataset_tools.errors import UserError
from wrapper.sweep.planning.grids import Axis
from wrapper.sweep.planning.lists import Row
from wrapper.toml_text import to_toml

MOST_TRIALS = 10_000
Settings = dict[str, Any]


class Combined(NamedTuple):
    """``trials`` in order; ``all`` is how many combinations there are, ``equal`` how many were said twice."""

    trials: list[Settings]
    all: int
    equal: int


def combine(rows: Sequence[Row], axes: Sequence[Axis], most: int = 0, seed: int = 0) -> Combined:
    """The product of ``rows`` and ``axes``, the last axis changing first; equal settings once.

    ``most``: so many of them, drawn at random by ``seed``, in order; 0 for all.
    """
    _refuse_twice(rows, axes)
    lengths = [max(len(rows), 1), *(len(axis.values) for axis in axes)]
    count = math.prod(lengths)
    if min(most or count, count) > MOST_TRIALS:
        hint = "Give --max N for a random choice of them."
        raise UserError(f"These are {count} trials; there can be {MOST_TRIALS} at most.", hint)
    numbers = sorted(random.Random(seed).sample(range(count), most)) if 0 < most < count else range(count)
    found = [_settings(number, lengths, rows, axes) for number in numbers]
    unique = list({identity(settings): settings for settings in found}.values())
    return Combined(unique, count, len(found) - len(unique))


def identity(settings: Mapping[str, Any]) -> str:
    """What two trials with the same settings have in common, however they were written."""
    return "\n".join(sorted(f"{key} = {to_toml(value)}" for key, value in settings.items()))


def _settings(number: int, lengths: Sequence[int], rows: Sequence[Row], axes: Sequence[Axis]) -> Settings:
    """Combination ``number``, counted as digits of so many values each."""
    places: list[int] = []
    for length in reversed(lengths):
        number, place = divmod(number, length)
        places.insert(0, place)
    row = dict(rows[places[0]].settings) if rows else {}
    for axis, place in zip(axes, places[1:], strict=True):
        row |= axis.settings(place)
    return row


def _refuse_twice(rows: Sequence[Row], axes: Sequence[Axis]) -> None:
    keys = [key for axis in axes for key in axis.keys]
    listed = {key for row in rows for key in row.settings}
    twice = sorted({key for key in keys if keys.count(key) > 1 or key in listed})
    if twice:
        raise UserError(f"--grid {twice[0]}: is given twice.", "Name all of its values in one place.")
