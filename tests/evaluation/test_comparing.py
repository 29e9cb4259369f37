"""Subjects held against each other: who comes first, by how much, and what a tie is."""

from __future__ import annotations

import numpy as np
import pytest

from wrapper.evaluation.comparing import compare

UNITS = [f"image {number}" for number in range(8)]


def row(mean: float, seed: int) -> dict[str, float]:
    drawn = np.random.default_rng(seed).normal(mean, 1, len(UNITS))
    return dict(zip(UNITS, drawn.tolist(), strict=True))


def test_equal_subjects_share_the_first_place():
    same, worse = row(10, seed=1), row(2, seed=2)
    found = compare({"a": worse, "b": same, "c": dict(same)})
    assert (found.best, found.runner_up) == ("b", "c")
    assert found.best_chance == {"a": 0, "b": 0.5, "c": 0.5}
    assert (found.gaps["c"].mean, found.gaps["c"].chance, found.gaps["c"].is_noise) == (0, 0.5, True)
    assert not found.gaps["a"].is_noise


def test_units_that_one_lacks_count_for_nobody():
    values = {"a": row(1, seed=1), "b": row(1, seed=2)}
    values["a"]["image 3"] = 1e6
    del values["b"]["image 3"]
    found = compare(values)
    assert found.units == [unit for unit in UNITS if unit != "image 3"]
    assert max(found.table["a"]) < 100


def test_the_nearest_comes_first_among_the_gaps_and_less_can_be_better():
    values = {name: {"x": mean, "y": mean + 1} for name, mean in (("a", 3.0), ("b", 1.0), ("c", 2.0))}
    found = compare(values, gain=-1)
    assert (found.best, list(found.gaps)) == ("b", ["c", "a"])
    assert [gap.mean for gap in found.gaps.values()] == [1, 2]


def test_memory_does_not_grow_with_units_times_resamples():
    import tracemalloc

    values = {str(number): row(0, seed=number) for number in range(200)}
    tracemalloc.start()
    found = compare(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
    assert sum(found.best_chance.values()) == pytest.approx(1, abs=0.05)
