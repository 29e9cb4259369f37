"""sd-scripts' count of a resumed run, against its loop written out."""

from __future__ import annotations

import math
from itertools import product

import pytest

from wrapper.launch.counting import Schedule, beginning, beginning_after


def loop(place: int, skip: bool, schedule: Schedule) -> tuple[int, int] | None:
    """(what the count begins with, steps done), step by step as ``train_network.py`` goes."""
    if schedule.max_steps <= place:
        return None
    to_skip = place * schedule.accumulation
    epoch = (to_skip if skip else place) // schedule.steps_per_epoch
    to_skip = to_skip - epoch * schedule.batches if skip else 0
    begin = count = to_skip
    done = 0
    for _ in range(epoch, schedule.epochs):
        left = schedule.batches - max(to_skip, 0)
        to_skip = 0
        for batch in range(1, left + 1):
            if batch % schedule.accumulation == 0 or batch == left:
                count, done = count + 1, done + 1
            if count >= schedule.max_steps:
                break
    return begin, done


@pytest.mark.parametrize("skip", [True, False], ids=["skipping", "by epochs"])
def test_a_beginning_is_what_the_loop_does(skip):
    for steps, batches, accumulation in product(range(1, 22), range(1, 8), range(1, 4)):
        schedule = Schedule(steps, batches, accumulation)
        for place in range(1, steps):
            found = beginning(place, schedule, skip=skip)
            if found is not None:
                assert (found.counted_from, found.steps) == loop(place, skip, schedule), (schedule, place)


def test_the_total_is_what_was_asked_for():
    for steps, batches in product(range(2, 22), range(1, 8)):
        schedule = Schedule(steps, batches)
        for done in range(1, steps):
            found = beginning_after(done, schedule)
            if found is not None:
                assert done + found.steps == steps


CASES = {
    "in the first epoch the state's own step does": (3, Schedule(10, 4), (3, True, 3)),
    "whole epochs need no skipping": (4, Schedule(12, 4), (4, False, 0)),
    "within a later epoch": (6, Schedule(12, 4), (6, True, 2)),
    "a last epoch that is cut short": (4, Schedule(10, 4), (6, True, 2)),
    "accumulation, at an epoch's end": (4, Schedule(12, 8, 2), (4, False, 0)),
}


@pytest.mark.parametrize(("done", "schedule", "wanted"), CASES.values(), ids=CASES)
def test_where_a_run_goes_on(done, schedule, wanted):
    found = beginning_after(done, schedule)
    assert (found.place, found.skip, found.counted_from) == wanted


def test_a_total_that_cannot_be_met_is_known():
    assert beginning_after(8, Schedule(10, 4)) is None
    assert beginning_after(4, Schedule(10, 4)).arguments == (
        "--initial_step",
        "6",
        "--skip_until_initial_step",
    )


@pytest.mark.parametrize("steps", [1000, 1200, 1500])
def test_most_states_of_a_usual_run_can_go_on(steps):
    schedule = Schedule(steps, 37)
    states = range(37, steps, 37)
    assert sum(beginning_after(done, schedule) is None for done in states) <= 1
    assert math.ceil(steps / 37) == schedule.epochs
