"""Repeats are searched: every answer is checked against all possible ones."""

from __future__ import annotations

from itertools import product

import pytest

from dataset_tools.building.balance import BALANCED, balance
from dataset_tools.errors import UserError


def brute_force(
    counts: dict[str, int], shares: dict[str, float], max_repeats: int
) -> list[tuple[float, int]]:
    """(imbalance, total) of every combination of repeats."""
    weights = [shares.get(bucket, 1.0) for bucket in counts]
    answers = []
    for repeats in product(range(1, max_repeats + 1), repeat=len(counts)):
        images = [count * repeat for count, repeat in zip(counts.values(), repeats, strict=True)]
        levels = [image / weight for image, weight in zip(images, weights, strict=True)]
        answers.append((max(levels) / min(levels) - 1, sum(images)))
    return answers


def test_the_known_case_that_rounding_gets_wrong():
    found = balance({"front": 66, "back": 40}, None, 20)
    assert found.repeats == {"front": 3, "back": 5}
    assert found.images == {"front": 198, "back": 200}
    assert found.imbalance == pytest.approx(200 / 198 - 1)


@pytest.mark.parametrize(
    ("counts", "shares", "max_repeats"),
    [
        ({"a": 66, "b": 40}, {}, 9),
        ({"a": 7, "b": 11, "c": 13}, {}, 9),
        ({"a": 7, "b": 11, "c": 13}, {"a": 2.0, "c": 0.5}, 9),
        ({"a": 1, "b": 50}, {}, 9),
        ({"a": 5, "b": 5, "c": 5}, {}, 6),
        ({"a": 3, "b": 17, "c": 29, "d": 31}, {"d": 3.0}, 6),
    ],
    ids=str,
)
def test_no_other_repeats_are_better(counts: dict[str, int], shares: dict[str, float], max_repeats: int):
    found = balance(counts, shares, max_repeats)
    answers = brute_force(counts, shares, max_repeats)
    best = min(imbalance for imbalance, _ in answers)
    if best <= BALANCED:
        smallest = min(total for imbalance, total in answers if imbalance <= BALANCED)
        assert found.imbalance <= BALANCED
        assert found.total == smallest
    else:
        assert found.imbalance == pytest.approx(best)


def test_even_buckets_stay_as_they_are():
    assert balance({"a": 5, "b": 5}, None, 20).repeats == {"a": 1, "b": 1}


def test_an_epoch_comes_near_the_wanted_size():
    found = balance({"a": 10, "b": 20}, None, 50, epoch_images=410)
    assert found.imbalance <= BALANCED
    assert abs(found.total - 410) <= 10


def test_shares_are_reached():
    found = balance({"a": 10, "b": 10}, {"a": 3.0}, 20)
    assert found.images["a"] == 3 * found.images["b"]
    assert found.wanted == {"a": 0.75, "b": 0.25}


def test_what_max_repeats_leaves_uneven_is_told():
    found = balance({"a": 1, "b": 100}, None, 20)
    assert found.repeats == {"a": 20, "b": 1}
    assert found.imbalance == pytest.approx(4.0)


def test_many_buckets_are_still_searched():
    counts = {f"s{index}": 3 + index % 17 for index in range(300)}
    assert balance(counts, None, 20).imbalance < 0.6


@pytest.mark.parametrize(
    ("counts", "shares", "words"),
    [
        ({"front": 3}, {"fornt": 1.0}, "Did you mean 'front'"),
        ({"front": 3}, {"front": 0.0}, "not a positive share"),
        ({"front": 3}, {"front": float("nan")}, "not a positive share"),
        ({"front": 0}, {}, "needs one at least"),
    ],
)
def test_wrong_shares_and_counts_are_refused(counts: dict[str, int], shares: dict[str, float], words: str):
    with pytest.raises(UserError) as caught:
        balance(counts, shares, 20)
    assert words in f"{caught.value} {caught.value.hint}"


def test_nothing_to_balance():
    assert balance({}, None, 20).repeats == {}
