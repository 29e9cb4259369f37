"""The forecast in plain words."""

from __future__ import annotations

import pytest

from wrapper.notebook.forecast import Forecast, duration
from wrapper.notebook.machine import Card


def test_a_stage_in_words():
    told = Forecast("Stage A", 100, 100, 2, 1500, 1, (3600.0, 9000.0)).words()
    assert told == (
        "Stage A: 1500 steps of 2 pictures. An epoch shows 100 photographs and 100 class images, repeats "
        "counted: 100 steps, so 15 epochs. 15 checkpoints will be kept. Very roughly 60 minutes to 2.5 hours."
    )


def test_one_of_everything():
    told = Forecast("Stage B", 1, 0, 1, 1, 0, (30.0, 30.0)).words()
    assert "1 step, so 1 epoch. 1 checkpoint will be kept. About 30 seconds, as the last run here" in told


def test_batches_that_make_one_step_together_are_counted():
    told = Forecast("Stage A", 100, 100, 2, 1500, 1, None, accumulation=4).words()
    assert "25 steps, so 60 epochs" in told


def test_an_unknown_card_promises_nothing():
    assert Forecast("Stage A", 1, 0, 1, 1, 0, None).words().endswith("is told after the first steps.")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (89, "89 seconds"), (1500, "25 minutes"), (9000, "2.5 hours")]
)
def test_durations(seconds: float, words: str):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("memory_gib", "preset"), [(8.0, "8gb"), (14.7, "16gb"), (22.5, "24gb"), (39.6, "24gb"), (6.0, "8gb")]
)
def test_a_card_s_preset(memory_gib: float, preset: str):
    assert Card("Tesla T4", memory_gib).preset == preset
