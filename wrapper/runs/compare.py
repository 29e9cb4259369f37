"""Two runs side by side: what they were told, how their losses went, and whether that is more than noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wrapper.project.layout import RunPaths
from wrapper.runs.curve import Losses, read_losses
from wrapper.runs.record import read_record
from wrapper.runs.settings import differences, run_settings

CLEAR = 3.0
"""A difference of so many standard errors is taken for more than noise."""
MIN_STEPS, MIN_INDEPENDENT, MAX_POINTS = 16, 8, 1000
_WINDOW = 5
_PLACES = ("output_dir", "logging_dir", "output_name")


@dataclass(frozen=True)
class Difference:
    """``mean`` of the second run's loss less the first's, over the second half of the common steps.

    ``error`` is the standard error of that mean, from ``independent`` measurements; ``share`` is the mean by
    the first run's loss.
    """

    mean: float
    error: float
    share: float
    independent: float

    @property
    def is_clear(self) -> bool:
        return self.independent >= MIN_INDEPENDENT and abs(self.mean) > CLEAR * self.error


@dataclass(frozen=True)
class Comparison:
    """``settings`` that differ, losses ``at`` equal steps, the ``difference`` (None for too few steps)."""

    settings: list[tuple[str, Any, Any]]
    at: list[tuple[int, float, float]]
    difference: Difference | None


def compare(one: RunPaths, other: RunPaths, *roots: Path) -> Comparison:
    """Compare two runs that have files of their own."""
    told = differences(run_settings(one, *roots), run_settings(other, *roots))
    first, second = read_losses(one), read_losses(other)
    common = _common(first, second)
    window = max(int(read_record(run.record).get("steps_per_epoch", 1)) for run in (one, other))
    return Comparison(
        settings=[row for row in told if row[0] not in _PLACES],
        at=_at_some(common),
        difference=difference(common, window),
    )


def difference(common: Sequence[tuple[int, float, float]], window: int = 1) -> Difference | None:
    """How far the second loss lies from the first, given ``(step, first, second)``; None for too few steps.

    Running means over ``window`` steps are nearly the same number at neighbouring ones: n of them count as
    n / 2τ independent ones, τ the integrated autocorrelation time (Sokal 1997, "Monte Carlo Methods in
    Statistical Mechanics", §3), at least that of the window itself.
    """
    late = common[len(common) // 2 :]
    thinned = math.ceil(len(late) / MAX_POINTS) or 1
    late = late[::thinned]
    if len(late) < MIN_STEPS:
        return None
    apart = [second - first for _, first, second in late]
    mean, level = _mean(apart), _mean([first for _, first, _ in late])
    spread = _mean([(value - mean) ** 2 for value in apart])
    time = max(autocorrelation_time(apart), window / thinned / 2)
    independent = max(len(apart) / (2 * time), 1.0)
    return Difference(mean, math.sqrt(spread / independent), mean / level if level else 0.0, independent)


def autocorrelation_time(values: Sequence[float]) -> float:
    """τ = ½ + Σ ρ(t), summed to the first t that is `_WINDOW` τ or more; ½ for independent values."""
    mean = _mean(values)
    apart = [value - mean for value in values]
    spread = sum(value * value for value in apart)
    time = 0.5
    for lag in range(1, len(apart)):
        if not spread or lag >= _WINDOW * time:
            break
        time += sum(a * b for a, b in zip(apart, apart[lag:], strict=False)) / spread
    return max(time, 0.5)


def sentence(names: tuple[str, str], found: Difference | None) -> str:
    """The difference in a sentence."""
    if found is None:
        return "Too few steps in common to compare the losses."
    lower, higher = names if found.mean > 0 else reversed(names)
    size = f"{abs(found.mean):.4f} ({abs(found.share):.1%})"
    ratio = f"{abs(found.mean) / found.error:.1f} standard errors" if found.error else "no noise"
    if not found.is_clear:
        return f"No clear difference: {lower}'s loss is {size} lower than {higher}'s, {ratio}."
    return f"{lower}'s loss is {size} lower than {higher}'s over the later half, {ratio}."


def is_other_data(settings: Sequence[tuple[str, Any, Any]], records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the two losses are of different images or bases, and so say little about each other."""
    files = [(one.get("files", {}).get("sha256"), one.get("base", {}).get("sha256")) for one in records]
    return files[0] != files[1]


def _common(first: Losses, second: Losses) -> list[tuple[int, float, float]]:
    other = dict(zip(*second, strict=True))
    return [(int(step), loss, other[step]) for step, loss in zip(*first, strict=True) if step in other]


def _at_some(common: Sequence[tuple[int, float, float]], count: int = 5) -> list[tuple[int, float, float]]:
    """``count`` of the common steps, evenly, the last among them."""
    if len(common) <= count:
        return list(common)
    return [common[round((len(common) - 1) * (number + 1) / count)] for number in range(count)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
