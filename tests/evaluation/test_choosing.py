"""Which checkpoint is the best, and how sure that is: made-up scores with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from wrapper.evaluation.choosing import choose

UNITS = [f"image {number}" for number in range(12)]


def table(means, noise=0.0, seed=0, units=UNITS):
    """Each checkpoint's figures: the units differ a lot, the checkpoints by ``means`` and ``noise``."""
    random = np.random.default_rng(seed)
    level = random.normal(0, 5, len(units))
    return {
        f"epoch {number}": dict(
            zip(units, (mean + level + noise * random.normal(0, 1, len(units))).tolist(), strict=True)
        )
        for number, mean in enumerate(means, start=1)
    }


def test_a_clear_best_is_named_whatever_the_units_differ():
    found = choose(table([15, 18, 21, 19, 16], noise=0.3))
    assert (found.name, found.rule, found.best, found.runner_up) == ("epoch 3", "best", "epoch 3", "epoch 4")
    assert found.gaps["epoch 5"].mean == pytest.approx(5, abs=0.4)
    assert found.over_last.mean == pytest.approx(5, abs=0.4)
    assert not found.over_last.is_noise
    assert found.best_chance["epoch 3"] > 0.99


def test_less_is_better_where_the_metric_says_so():
    assert choose(table([3, 1, 2], noise=0.05), gain=-1).name == "epoch 2"


def test_noise_is_called_noise_and_the_earliest_near_the_best_is_taken():
    values = table([15, 20, 20.02, 20.01, 20.03])
    for number, row in enumerate(values.values()):
        for place, unit in enumerate(row):
            row[unit] += 0.4 * np.sign(np.sin(2 * np.pi * number * (place + 0.5) / len(row)))
    found = choose(values)
    assert found.rule == "one standard error"
    assert (found.name, found.best) == ("epoch 2", "epoch 5")
    assert found.gaps[found.runner_up].is_noise
    assert max(found.best_chance.values()) < 0.95
    assert sum(found.best_chance.values()) == pytest.approx(1, abs=1e-3)


def test_on_few_units_the_best_is_not_passed_over_for_an_earlier_one():
    for count, name, rule in ((3, "epoch 3", "few"), (12, "epoch 1", "one standard error")):
        found = choose(table([19.8, 19.9, 20], noise=2, seed=4, units=UNITS[:count]))
        assert found.rule == rule
        assert found.name == (found.best if rule == "few" else name)


def test_the_last_is_kept_when_one_image_is_all_there_is():
    found = choose(table([10, 30, 20], units=UNITS[:1]))
    assert (found.name, found.rule, found.best) == ("epoch 3", "last", "epoch 2")
    assert found.gaps["epoch 3"].low is None
    assert found.best_chance == {}


def test_one_checkpoint_is_no_choice():
    found = choose(table([10]))
    assert (found.name, found.rule, found.gaps, found.over_last) == ("epoch 1", "only", {}, None)


def test_units_that_one_checkpoint_lacks_are_left_out():
    values = table([10, 12], noise=0.1)
    del values["epoch 1"]["image 3"]
    assert choose(values).units == len(UNITS) - 1


def test_equal_checkpoints_are_not_told_apart_more_often_than_promised():
    """Ten equal checkpoints, 100 times: one in twenty is the most that a 95 % interval may be wrong."""
    wrong = sum(
        any(not gap.is_noise for gap in choose(table([0] * 10, noise=1, seed=seed)).gaps.values())
        for seed in range(100)
    )
    assert wrong <= 5


def test_intervals_are_students_of_the_paired_differences_corrected_for_all_pairs():
    from scipy.stats import t

    values = {
        "a": {"x": 1.0, "y": 2.0, "z": 3.0},
        "b": {"x": 0.0, "y": 0.5, "z": 1.0},
        "c": dict.fromkeys("xyz", 0.0),
    }
    gap = choose(values).gaps["b"]
    reach = t.ppf(1 - 0.05 / 3 / 2, 2) * 0.5 / 3**0.5
    assert (gap.mean, gap.low, gap.high) == pytest.approx((1.5, 1.5 - reach, 1.5 + reach), abs=1e-5)
