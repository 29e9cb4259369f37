"""How sd-scripts counts a resumed run, so that its total is the one that was asked for.

``train_network.py`` (v0.9.1 and v0.10.1 alike) takes a place to begin at, ``--initial_step``. It goes to that
place's epoch, and with ``--skip_until_initial_step`` also to the place within the epoch: it multiplies the
place by the accumulation, takes off the batches of whole epochs before it, and goes on counting from the rest
(a state of step 8 with 4 batches an epoch is counted from 0). The end is where that count reaches
``max_train_steps``, or where the epochs are used up. So the state's own step can end too late, or too early;
the functions here find the place that ends in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """``batches`` an epoch for each process; every ``accumulation`` batches make a step."""

    max_steps: int
    batches: int
    accumulation: int = 1

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.batches / self.accumulation)

    @property
    def epochs(self) -> int:
        return math.ceil(self.max_steps / self.steps_per_epoch)

    def batch_after(self, steps: int) -> int:
        """How many batches an undisturbed run has used after ``steps``."""
        epochs, rest = divmod(steps, self.steps_per_epoch)
        return epochs * self.batches + rest * self.accumulation


@dataclass(frozen=True)
class Beginning:
    """What ``place`` leads to: ``steps`` steps from ``batch`` on, counted from ``counted_from``."""

    place: int
    skip: bool
    batch: int
    counted_from: int
    steps: int

    @property
    def arguments(self) -> tuple[str, ...]:
        skip = ("--skip_until_initial_step",) if self.skip else ()
        return ("--initial_step", str(self.place), *skip)


def beginning(place: int, schedule: Schedule, *, skip: bool) -> Beginning | None:
    """What ``place`` leads to; None where the trainer would refuse it, or go on past its end."""
    if not 0 < place < schedule.max_steps:
        return None
    batch = place * schedule.accumulation if skip else place
    epoch = batch // schedule.steps_per_epoch
    if epoch >= schedule.epochs:
        return None
    rest = batch - epoch * schedule.batches if skip else 0
    first = math.ceil((schedule.batches - rest) / schedule.accumulation)
    first = min(max(first, 0), schedule.steps_per_epoch)
    last = schedule.steps_per_epoch if epoch + 1 < schedule.epochs else first
    there = first + (schedule.epochs - epoch - 1) * schedule.steps_per_epoch
    to_go = schedule.max_steps - rest
    if to_go <= there - last:
        return None
    return Beginning(place, skip, epoch * schedule.batches + max(rest, 0), rest, min(there, to_go))


def beginning_after(done: int, schedule: Schedule) -> Beginning | None:
    """The place from which exactly the steps after ``done`` are trained, nearest to where the data were.

    None where there is no such place: then an earlier state has one, or a new run is needed.
    """
    wanted, batch = schedule.max_steps - done, schedule.batch_after(done)
    found = [one for one in _beginnings(schedule) if one.steps == wanted]
    return min(found, key=lambda one: (abs(one.batch - batch), one.skip, abs(one.place - done)), default=None)


def _beginnings(schedule: Schedule) -> Iterator[Beginning]:
    for place in range(1, schedule.max_steps):
        for skip in (False, True):
            if one := beginning(place, schedule, skip=skip):
                yield one
