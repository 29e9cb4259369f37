"""Numbers → the coordinates of an inline SVG. The template only draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 30
MAX_POINTS = 600


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """A line chart: ``line`` and ``smooth`` are SVG ``points``; ticks are in the same coordinates."""

    line: str
    smooth: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    x_label: str
    alt: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def curve(steps: Sequence[float], values: Sequence[float], x_label: str, alt: str) -> Curve | None:
    """The chart of ``values`` over ``steps``, finite values only; None for fewer than two points."""
    points = [(x, y) for x, y in zip(steps, values, strict=True) if math.isfinite(y)]
    if len(points) < 2:
        return None
    points = points[:: max(1, math.ceil(len(points) / MAX_POINTS))]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_high, y_axis = max(xs), axis(0.0, max(ys))
    return Curve(
        line=_polyline(xs, ys, x_high, y_axis[-1]),
        smooth=_polyline(xs, smoothed(ys), x_high, y_axis[-1]),
        x_ticks=[Tick(round(_x(at, x_high), 1), f"{at:g}") for at in axis(0.0, x_high) if at <= x_high],
        y_ticks=[Tick(round(_y(value, y_axis[-1]), 1), f"{value:g}") for value in y_axis],
        x_label=x_label,
        alt=alt,
    )


def smoothed(values: Sequence[float], share: float = 0.05) -> list[float]:
    """Centred running mean over ``share`` of the values: ``smoothed([0, 3, 0], 1.0)`` → ``[1.5, 1, 1.5]``."""
    half = max(1, int(len(values) * share / 2))
    windows = (values[max(0, i - half) : i + half + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def axis(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round ticks from ``low`` to the first one at or above ``high``: ``axis(0, 0.17)`` → 0, 0.05 … 0.2."""
    span = max(high - low, 1e-9)
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    count = math.ceil(span / step - 1e-9)
    return [round(low + i * step, 10) for i in range(count + 1)]


def _x(value: float, high: float) -> float:
    return LEFT + value / high * (WIDTH - LEFT - RIGHT)


def _y(value: float, high: float) -> float:
    return HEIGHT - BOTTOM - value / high * (HEIGHT - TOP - BOTTOM)


def _polyline(xs: Sequence[float], ys: Sequence[float], x_high: float, y_high: float) -> str:
    return " ".join(f"{_x(x, x_high):.1f},{_y(y, y_high):.1f}" for x, y in zip(xs, ys, strict=True))
