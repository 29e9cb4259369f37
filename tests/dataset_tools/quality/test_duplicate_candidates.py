"""Thumbnails without bars, descriptors of windows, and the search among them."""

from __future__ import annotations

from hashlib import sha256

import cv2
import numpy as np
import pytest

from dataset_tools.quality.duplicates import cells, fingerprint, search
from dataset_tools.quality.duplicates.candidates import Candidate, candidates
from dataset_tools.quality.duplicates.shortlists import MOST_OF_ONE, Shortlists
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX, thumbnail
from dataset_tools.quality.duplicates.windows import (
    EQUAL,
    ORIENTATIONS,
    PLACES,
    descriptors,
    oriented,
    turn,
    whole,
)
from tests.dataset_tools.spoiled import astronaut

GREY = cv2.cvtColor(
    cv2.resize(astronaut(), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY
)


def drawn(seed: int) -> np.ndarray:
    """A thumbnail of soft random spots."""
    values = np.random.default_rng(seed).normal(size=(SIDE_PX, SIDE_PX)).astype(np.float32)
    soft = cv2.GaussianBlur(values, (0, 0), 5)
    return np.clip(128 + soft / soft.std() * 45, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_a_turned_pictures_descriptor_is_known_without_turning(orientation: int):
    (known,) = oriented(whole(GREY)[None], np.array([orientation]))
    assert known @ whole(turn(GREY, orientation)) / EQUAL == pytest.approx(1, abs=2e-3)


def test_the_eight_orientations_differ():
    assert len({turn(GREY, orientation).tobytes() for orientation in range(ORIENTATIONS)}) == ORIENTATIONS


@pytest.mark.parametrize("number", [0, 13, 40, 80])
def test_a_crop_is_like_its_window(number: int):
    place = PLACES[number]
    rows = slice(round(place.top * SIDE_PX), round(place.bottom * SIDE_PX))
    crop = GREY[rows, round(place.left * SIDE_PX) : round(place.right * SIDE_PX)]
    alike = descriptors(GREY) @ whole(cv2.resize(crop, (SIDE_PX, SIDE_PX))) / EQUAL
    assert alike[number] > 0.98
    assert alike[number] == pytest.approx(alike.max(), abs=0.01)


def test_a_flat_picture_is_like_nothing():
    assert not descriptors(np.full((SIDE_PX, SIDE_PX), 90, np.uint8)).any()


def test_bars_are_cut_off_and_blank_pictures_stay():
    framed = cv2.copyMakeBorder(astronaut(), 128, 128, 64, 64, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    assert np.corrcoef(thumbnail(fingerprint(framed)).ravel(), GREY.ravel())[0, 1] > 0.9
    blank = thumbnail(fingerprint(np.full((300, 200, 3), 7, np.uint8)))
    assert blank.shape == (SIDE_PX, SIDE_PX)
    assert (blank == 7).all()


def digests_of(pictures: list[np.ndarray]) -> np.ndarray:
    return np.array([bytearray(sha256(one.tobytes()).digest()) for one in pictures], np.uint8)


def found_among(pictures: list[np.ndarray]) -> list[Candidate]:
    rows = search.search(digests_of(pictures), pictures.__getitem__, lambda count: None)
    return list(candidates(rows))


def pairs_among(pictures: list[np.ndarray]) -> set[tuple[int, int]]:
    return {tuple(sorted((one.query, one.other))) for one in found_among(pictures)}


def test_the_search_by_centres_finds_what_the_whole_search_finds(monkeypatch: pytest.MonkeyPatch):
    pictures = [drawn(seed) for seed in range(60)]
    pictures += [turn(cv2.resize(one[:110, 8:], (SIDE_PX, SIDE_PX)), 5) for one in pictures[:20]]
    copies = {(number, 60 + number) for number in range(20)}
    assert copies <= pairs_among(pictures)
    monkeypatch.setattr(cells, "PICTURES_A_CENTRE", 2)
    monkeypatch.setattr(search, "LEAST_BLOCK", 32)
    assert copies <= pairs_among(pictures)


def test_of_many_candidates_the_most_alike_are_kept():
    one = drawn(0)
    shares = np.linspace(0.05, 0.5, MOST_OF_ONE + 4)
    shades = [cv2.addWeighted(one, 1 - share, drawn(9), share, 0) for share in shares]
    digests = digests_of([one, *shades])
    rows = search.search(digests, [one, *shades].__getitem__, lambda count: None)
    assert set(rows["other"][0]) == set(range(1, MOST_OF_ONE + 1))


def test_each_picture_is_laid_and_compared_once():
    counted: list[int] = []
    pictures = [drawn(seed) for seed in range(5)]
    search.search(digests_of(pictures), pictures.__getitem__, counted.append)
    assert sum(counted) == 10


def test_twice_the_pictures_are_asked_for_twice_as_often(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cells, "PICTURES_A_CENTRE", 2)
    monkeypatch.setattr(search, "LEAST_BLOCK", 2)
    asked = []
    add = Shortlists.add

    def counted(lists: Shortlists, pictures: np.ndarray, *rest) -> None:
        asked[-1] += len(pictures)
        add(lists, pictures, *rest)

    monkeypatch.setattr(Shortlists, "add", counted)
    pictures = [drawn(seed) for seed in range(160)]
    for count in (80, 160):
        asked.append(0)
        found_among(pictures[:count])
    assert asked[1] < 2.6 * asked[0]
