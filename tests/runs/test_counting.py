"""sd-scripts' count of a resumed run, against its loop written out."""

from __future__ import annotations

from itertools import product

import pytest

from wrapper.runs.counting import Schedule, beginning, beginning_after


def loop(place: int, skip: bool, schedule: Schedule, stop: int = 0) -> tuple[int, int] | None:
    """(what the count begins with, steps done), step by step as ``train_network.py`` goes.

    After ``stop`` steps its ``max_train_steps`` is taken for 0.
    """
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
            if count >= schedule.max_steps or (stop and done >= stop):
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
    for steps, batches, accumulation in product(range(2, 22), range(1, 8), range(1, 4)):
        schedule = Schedule(steps, batches, accumulation)
        for done in range(1, steps):
            found = beginning_after(done, schedule)
            trained = loop(found.place, found.skip, schedule, stop=steps - done)
            assert trained == (found.counted_from, steps - done), (schedule, done)


def test_every_state_can_go_on_where_its_data_were():
    for steps, batches in product(range(2, 22), range(1, 8)):
        schedule = Schedule(steps, batches)
        for done in range(1, steps):
            assert beginning_after(done, schedule).batch == done, (schedule, done)


@pytest.mark.parametrize("accumulation", [2, 3, 4])
def test_every_epoch_can_go_on_with_accumulation(accumulation):
    for steps, batches in product(range(2, 22), range(1, 8)):
        schedule = Schedule(steps, batches, accumulation)
        for done in range(schedule.steps_per_epoch, steps, schedule.steps_per_epoch):
            assert beginning_after(done, schedule).batch == schedule.batch_after(done), (schedule, done)


CASES = {
    "in the first epoch the state's own step does": (3, Schedule(10, 4), (3, True, 3, 7)),
    "whole epochs need no skipping": (4, Schedule(12, 4), (4, False, 0, 8)),
    "within a later epoch": (6, Schedule(12, 4), (6, True, 2, 6)),
    "a last epoch that is cut short has to be stopped": (4, Schedule(10, 4), (4, False, 0, 8)),
    "accumulation, at an epoch's end": (4, Schedule(12, 8, 2), (4, False, 0, 8)),
}


@pytest.mark.parametrize(("done", "schedule", "wanted"), CASES.values(), ids=CASES)
def test_where_a_run_goes_on(done, schedule, wanted):
    found = beginning_after(done, schedule)
    assert (found.place, found.skip, found.counted_from, found.steps) == wanted


def test_the_place_becomes_arguments():
    assert beginning_after(6, Schedule(12, 4)).arguments == (
        "--initial_step",
        "6",
        "--skip_until_initial_step",
    )
    assert beginning_after(4, Schedule(12, 4)).arguments == ("--initial_step", "4")
