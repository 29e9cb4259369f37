"""The losses of all trials over the same axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wrapper.curves import Chart, chart
from wrapper.runs.curve import Losses, read_losses
from wrapper.sweep.outcome.rows import Row
from wrapper.sweep.outcome.trained import newest_run

MOST_POINTS, FEWEST_POINTS = 200, 40
ALL_POINTS = 40_000
"""Of all curves together: a thousand of them have 40 each."""


def losses_picture(rows: Sequence[Row], stage: str) -> Chart | None:
    """A line a trial, the best last, over the others; None without a single loss."""
    most = min(MOST_POINTS, max(FEWEST_POINTS, ALL_POINTS // max(len(rows), 1)))
    series = {row.id: thinned(read_losses(newest_run(row.trial, stage)), most) for row in reversed(rows)}
    return chart(series, "steps", "loss of every trial over its steps", from_zero=False)


def thinned(losses: Losses, most: int) -> Losses:
    """At most ``most`` points, each the mean of its neighbours.

    >>> thinned(([1, 2, 3, 4], [4.0, 2.0, 1.0, 3.0]), 2)
    ([1.5, 3.5], [3.0, 2.0])
    """
    steps, values = losses
    share = math.ceil(len(steps) / most) if steps else 1
    if share == 1:
        return losses
    starts = range(0, len(steps), share)
    return [_mean(steps[at : at + share]) for at in starts], [_mean(values[at : at + share]) for at in starts]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
