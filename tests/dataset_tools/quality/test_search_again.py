"""A search that takes over the last one finds exactly what a search from the start finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256

import cv2
import numpy as np
import pytest

from dataset_tools.quality.duplicates import cells, search, searched
from dataset_tools.quality.duplicates.candidates import candidates
from dataset_tools.quality.duplicates.searched import Rows
from dataset_tools.quality.duplicates.shortlists import LEAST_VALUE, Shortlists
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX
from dataset_tools.quality.duplicates.windows import turn
from tests.dataset_tools.quality.test_duplicate_candidates import drawn

SIZE = (SIDE_PX, SIDE_PX)
FLAT = np.full(SIZE, 90, np.uint8)


def broad(seed: int) -> np.ndarray:
    """A thumbnail of few soft spots: by chance like many others."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4)).astype(np.uint8)
    return cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)


def made(number: int) -> np.ndarray:
    """Strangers, and among them crops that are turned, shades, plain pictures, and many equal thumbnails."""
    kinds: list[Callable[[], np.ndarray]] = [
        lambda: broad(number),
        lambda: broad(number),
        lambda: turn(cv2.resize(broad(number - 2)[10:, :110], SIZE), number % 8),
        lambda: cv2.convertScaleAbs(broad(number - 3), alpha=0.8, beta=20),
        lambda: FLAT,
        lambda: drawn(0),
    ]
    return kinds[number % len(kinds)]()


class Set:
    """Pictures by number; each has a digest of its own, also where its thumbnail is another's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[int] = []
        monkeypatch.setattr(cells, "PICTURES_A_CENTRE", 4)
        monkeypatch.setattr(search, "LEAST_BLOCK", 32)
        monkeypatch.setattr(searched, "MOST_NEW", 1)

    def search(self, numbers: list[int], before: Rows | None = None) -> Rows:
        digests = [bytearray(sha256(str(number).encode()).digest()) for number in numbers]

        def thumbnail(place: int) -> np.ndarray:
            self.asked.append(numbers[place])
            return made(numbers[place])

        return search.search(np.array(digests, np.uint8), thumbnail, lambda count: None, before)


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Set:
    return Set(monkeypatch)


def changes(seed: int, numbers: list[int]) -> Iterator[list[int]]:
    """Some pictures go, some come, some change, and the order does too."""
    rng, fresh = np.random.default_rng(seed), 1000
    for _ in range(4):
        gone = set(rng.choice(numbers, rng.integers(0, 12), replace=False).tolist())
        come = list(range(fresh, fresh + int(rng.integers(0, 12))))
        fresh += len(come)
        numbers = [number for number in numbers if number not in gone] + come
        yield rng.permutation(numbers).tolist()


@pytest.mark.parametrize("seed", range(2))
def test_whatever_comes_and_goes_all_is_found_as_if_from_the_start(pictures, seed):
    rows = pictures.search(list(range(120)))
    for numbers in changes(seed, list(range(120))):
        rows = pictures.search(numbers, rows)
        fresh = pictures.search(numbers)
        assert list(candidates(rows)) == list(candidates(fresh))
        assert len(cells.drawn(rows["digest"])) > cells.PROBES
        for field in ("digest", "whole", "cells"):
            assert (rows[field] == fresh[field]).all()


def test_of_the_last_search_shortlists_are_full_and_centres_come_and_go(pictures):
    """What the test above would say nothing about."""
    rows = pictures.search(list(range(120)))
    assert (rows["other"] >= 0).all(axis=1).sum() > 20
    (numbers, *_) = changes(0, list(range(120)))
    again = pictures.search(numbers, rows)
    assert {one.tobytes() for one in again["digest"][cells.drawn(again["digest"])]} != {
        one.tobytes() for one in rows["digest"][cells.drawn(rows["digest"])]
    }


def test_few_pictures_that_all_meet_become_many_and_few_again(pictures):
    few = pictures.search(list(range(40)))
    assert not len(cells.drawn(few["digest"]))
    many = pictures.search(list(range(120)), few)
    assert list(candidates(many)) == list(candidates(pictures.search(list(range(120)))))
    again = pictures.search(list(range(1, 40)), many)
    assert list(candidates(again)) == list(candidates(pictures.search(list(range(1, 40)))))


def test_among_plain_pictures_alone_nothing_is_found(pictures):
    plain = [number for number in range(120) if made(number) is FLAT]
    assert not len(candidates(pictures.search(plain, pictures.search(plain[1:]))))


def test_the_same_pictures_in_another_order_are_not_looked_at(pictures):
    rows = pictures.search(list(range(120)))
    pictures.asked.clear()
    turned = pictures.search(list(range(119, -1, -1)), rows)
    centres = len(cells.drawn(rows["digest"]))
    assert len(pictures.asked) == centres
    assert len(candidates(turned)) == len(candidates(rows))


def test_of_centres_that_are_equally_alike_the_first_are_asked():
    wholes = np.zeros((1, 64), np.float32)
    wholes[0, 1] = 4000
    centres = np.zeros((40, 64), np.float32)
    centres[:, 2] = 4000
    centres[5:35, 1] = 3000
    assert set(cells.probed(wholes, centres)[0, 0]) == set(range(5, 5 + cells.PROBES))


def test_what_a_shortlist_holds_does_not_hang_on_the_order_in_which_it_was_told():
    rng = np.random.default_rng(0)
    digests = rng.integers(0, 256, (30, 32)).astype(np.uint8)
    told = [(o, w, v * LEAST_VALUE) for o in range(8) for w in range(81, 30 * 81, 23) for v in (1.0, 1.1)]
    found = []
    for _ in range(3):
        rows = searched.carried_over(digests, None).rows
        lists = Shortlists(rows["value"], rows["other"], rows["how"], digests)
        for orientation, window, value in rng.permutation(told):
            alike = np.full((1, 1), value, np.float32)
            lists.add(np.array([0]), int(orientation), np.array([int(window)]), alike)
        order = np.argsort(rows["other"][0])
        found.append([rows[field][0][order].tolist() for field in ("value", "other", "how")])
    assert found[0] == found[1] == found[2]
    assert min(found[0][1]) > 0


def test_after_many_changes_the_search_begins_anew(pictures, monkeypatch):
    monkeypatch.setattr(searched, "MOST_NEW", 16)
    rows = pictures.search(list(range(120)))
    assert searched.carried_over(rows["digest"][8:], rows).new.all()
    assert not searched.carried_over(rows["digest"][7:], rows).new.any()
