"""Numbers → the coordinates of an inline SVG. The template only draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_POINTS = 600
COLOURS = ("#1f5fbf", "#c2571a", "#2d8a4e", "#8a3fa8", "#777777")


@dataclass(frozen=True)
class Frame:
    """A picture's size, and where its axes lie in it, in pixels from the top and the left."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    def x(self, share: float) -> float:
        """Where ``share`` (0 to 1) of the way from left to right is."""
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, value: float, ticks: Sequence[float]) -> float:
        """Where ``value`` is on an axis from the first of ``ticks`` to the last."""
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return round(self.bottom - share * (self.bottom - self.top), 1)


FRAME = Frame(width=480, height=210, left=52, right=468, top=12, bottom=180)


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """One series of a chart: ``line`` and ``smooth`` are SVG ``points``."""

    label: str
    colour: str
    line: str
    smooth: str


@dataclass(frozen=True)
class Chart:
    """Series over the same axes; ticks are in the coordinates of their points."""

    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_label: str
    alt: str
    frame: Frame = FRAME


def curve(steps: Sequence[float], values: Sequence[float], x_label: str, alt: str) -> Chart | None:
    """The chart of one series without a name."""
    return chart({"": (steps, values)}, x_label, alt)


def chart(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_label: str,
    alt: str,
    *,
    from_zero: bool = True,
) -> Chart | None:
    """The chart of several ``(steps, values)`` by label; None when there is nothing to draw.

    A series of fewer than two finite points is left out.
    """
    found = {label: _points(*pair) for label, pair in series.items()}
    drawn = {label: points for label, points in found.items() if len(points) > 1}
    if not drawn:
        return None
    everything = [point for points in drawn.values() for point in points]
    x_high, heights = max(x for x, _ in everything), [y for _, y in everything]
    y_axis = axis(0.0 if from_zero else min(heights), max(heights))
    lines = []
    for (label, points), colour in zip(drawn.items(), COLOURS * len(drawn), strict=False):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        line, smooth = (_polyline(xs, some, x_high, y_axis) for some in (ys, smoothed(ys)))
        lines.append(Line(label, colour, line, smooth))
    return Chart(
        lines=lines,
        x_ticks=[Tick(FRAME.x(at / x_high), f"{at:g}") for at in axis(0.0, x_high) if at <= x_high],
        y_ticks=[Tick(FRAME.y(value, y_axis), f"{value:g}") for value in y_axis],
        x_label=x_label,
        alt=alt,
    )


def _points(steps: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    finite = [(x, y) for x, y in zip(steps, values, strict=True) if math.isfinite(y)]
    return finite[:: max(1, math.ceil(len(finite) / MAX_POINTS))]


def smoothed(values: Sequence[float], share: float = 0.05) -> list[float]:
    """Centred running mean over ``share`` of the values: ``smoothed([0, 3, 0], 1.0)`` → ``[1.5, 1, 1.5]``."""
    half = max(1, int(len(values) * share / 2))
    windows = (values[max(0, i - half) : i + half + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def axis(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round ticks from the last at or below ``low`` to the first at or above ``high``.

    ``axis(0, 0.17)`` → 0, 0.05 … 0.2; ``axis(0.93, 1.14)`` → 0.9, 1, 1.1, 1.2.
    """
    span = max(high - low, abs(high) * 0.01, 1e-9)
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def _polyline(xs: Sequence[float], ys: Sequence[float], x_high: float, ticks: Sequence[float]) -> str:
    return " ".join(f"{FRAME.x(x / x_high)},{FRAME.y(y, ticks)}" for x, y in zip(xs, ys, strict=True))
