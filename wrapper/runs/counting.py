"""How sd-scripts counts a resumed run, so that its total is the one that was asked for.

``train_network.py`` (v0.9.1 and v0.10.1 alike) takes a place to begin at, ``--initial_step``. It goes to that
place's epoch, and with ``--skip_until_initial_step`` also to the place within the epoch: it multiplies the
place by the accumulation, takes off the batches of whole epochs before it, and goes on counting from the rest
(a state of step 8 with 4 batches an epoch is counted from 0). The end is where that count reaches
``max_train_steps``, or where the epochs are used up. So the state's own step can end too late, or too early;
the functions here find the place that ends in time, or that can be stopped in time.
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
    """What ``place`` leads to: ``steps`` steps from ``batch`` on, counted from ``counted_from``.

    ``last`` of them are of the last epoch, within which a run may be stopped (``vendor/stop_after.py``).
    """

    place: int
    skip: bool
    batch: int
    counted_from: int
    steps: int
    last: int

    def reaches(self, wanted: int) -> bool:
        """Whether ``wanted`` steps end it: by itself, or stopped within its last epoch."""
        return 0 <= self.steps - wanted < self.last

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
    steps = min(there, to_go)
    batch = epoch * schedule.batches + max(rest, 0)
    return Beginning(place, skip, batch, rest, steps, last - (there - steps))


def beginning_after(done: int, schedule: Schedule) -> Beginning:
    """The place from which the steps after ``done`` are trained, nearest to where the data were.

    There always is one; where it leads to more steps than those, the run is to be stopped after them. With
    accumulation a state within an epoch has to begin that epoch's data again.
    """
    wanted, batch = schedule.max_steps - done, schedule.batch_after(done)

    def fitness(one: Beginning) -> tuple[int, bool, bool, int]:
        return abs(one.batch - batch), one.steps != wanted, one.skip, abs(one.place - done)

    return min((one for one in _beginnings(schedule) if one.reaches(wanted)), key=fitness)


def _beginnings(schedule: Schedule) -> Iterator[Beginning]:
    for place in range(1, schedule.max_steps):
        for skip in (False, True):
            if one := beginning(place, schedule, skip=skip):
                yield one
