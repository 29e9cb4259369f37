"""Repeats are searched: every answer is checked against all possible ones."""

from __future__ import annotations

import random
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


Inventory = tuple[dict[str, int], dict[str, float]]


def inventories(number: int, most_buckets: int, most_images: int, seed: int) -> list[Inventory]:
    """Random buckets and wanted shares, a few of them with one image only."""
    rng = random.Random(seed)
    made = []
    for _ in range(number):
        counts = {f"b{i}": rng.randint(1, most_images) for i in range(rng.randint(2, most_buckets))}
        made.append((counts, {bucket: rng.choice([0.5, 1.0, 1.0, 2.0, 3.0]) for bucket in counts}))
    return made


def rounded(counts: dict[str, int], shares: dict[str, float], max_repeats: int) -> tuple[float, float]:
    """(imbalance, misplaced) of the usual way: every bucket is brought near the largest one by rounding."""
    level = {bucket: count / shares[bucket] for bucket, count in counts.items()}
    top = max(level.values())
    repeats = {b: min(max_repeats, max(1, round(top / level[b]))) for b in counts}
    reached = [repeats[b] * level[b] for b in counts]
    images, wanted = sum(repeats[b] * counts[b] for b in counts), sum(shares.values())
    wrong = sum(abs(repeats[b] * counts[b] / images - shares[b] / wanted) for b in counts) / 2
    return max(reached) / min(reached) - 1, wrong


@pytest.mark.parametrize("even", [BALANCED, 0.0])
def test_1000_random_inventories_are_nearer_than_by_rounding(even: float):
    ours, theirs = [], []
    for counts, shares in inventories(1000, 12, 200, seed=1):
        found = balance(counts, shares, 20, even=even)
        ours.append((found.imbalance, found.misplaced))
        theirs.append(rounded(counts, shares, 20))
    pairs = list(zip(ours, theirs, strict=True))
    assert all(1 + mine[0] <= (1 + other[0]) * (1 + even) + 1e-9 for mine, other in pairs)
    assert sum(mine[0] < other[0] - 1e-9 for mine, other in pairs) > 800
    assert sum(mine[1] for mine in ours) < 0.7 * sum(other[1] for other in theirs)


@pytest.mark.parametrize("max_images", [0, 60])
def test_small_inventories_are_as_even_as_any_numbers_make_them(max_images: int):
    for counts, shares in inventories(60, 4, 12, seed=2):
        if 0 < max_images < sum(counts.values()):
            continue
        found = balance(counts, shares, 6, max_images=max_images, even=0.0)
        answers = brute_force(counts, shares, 6)
        within = [imbalance for imbalance, total in answers if total <= (max_images or total)]
        assert found.imbalance == pytest.approx(min(within))
        assert found.total <= (max_images or found.total)


def test_one_hopeless_bucket_does_not_spoil_the_others():
    found = balance({"lonely": 1, "a": 100, "b": 199, "c": 130}, None, 5)
    assert found.repeats["lonely"] == 5
    assert found.images["a"] == 200
    assert found.images["b"] == 199
    assert found.imbalance == pytest.approx(200 / 5 - 1, abs=0.3)


def test_an_epoch_is_never_longer_than_allowed():
    counts = {"a": 66, "b": 40}
    assert balance(counts, None, 20, max_images=300).repeats == {"a": 2, "b": 3}
    assert balance(counts, None, 20, epoch_images=4000, max_images=400).total == 398
    with pytest.raises(UserError, match="max_images is 100, but each of the images once is 106"):
        balance(counts, None, 20, max_images=100)


def test_the_part_in_the_wrong_bucket_is_stated():
    assert balance({"a": 30, "b": 70}, None, 1).misplaced == pytest.approx(0.2)
    assert balance({}, None, 1).misplaced == 0.0


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
