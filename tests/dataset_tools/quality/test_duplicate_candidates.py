"""Thumbnails without bars, descriptors of windows, and the search among them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset_tools.quality.duplicates import candidates as search
from dataset_tools.quality.duplicates import fingerprint
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX, thumbnail
from dataset_tools.quality.duplicates.windows import ORIENTATIONS, PLACES, descriptors, oriented, turn, whole
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
    assert known @ whole(turn(GREY, orientation)) == pytest.approx(1, abs=1e-4)


def test_the_eight_orientations_differ():
    assert len({turn(GREY, orientation).tobytes() for orientation in range(ORIENTATIONS)}) == ORIENTATIONS


@pytest.mark.parametrize("number", [0, 13, 40, 80])
def test_a_crop_is_like_its_window(number: int):
    place = PLACES[number]
    rows = slice(round(place.top * SIDE_PX), round(place.bottom * SIDE_PX))
    crop = GREY[rows, round(place.left * SIDE_PX) : round(place.right * SIDE_PX)]
    alike = descriptors(GREY) @ whole(cv2.resize(crop, (SIDE_PX, SIDE_PX)))
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


def found_among(pictures: list[np.ndarray]) -> set[tuple[int, int]]:
    found = search.candidates(len(pictures), pictures.__getitem__, lambda count: None)
    return {tuple(sorted((one.query, one.other))) for one in found}


def test_the_search_by_centres_finds_what_the_whole_search_finds(monkeypatch: pytest.MonkeyPatch):
    pictures = [drawn(seed) for seed in range(60)]
    pictures += [turn(cv2.resize(one[:110, 8:], (SIDE_PX, SIDE_PX)), 5) for one in pictures[:20]]
    copies = {(number, 60 + number) for number in range(20)}
    assert copies <= found_among(pictures)
    monkeypatch.setattr(search, "PICTURES_A_CENTRE", 2)
    monkeypatch.setattr(search, "LEAST_BLOCK", 32)
    assert copies <= found_among(pictures)


def test_of_many_candidates_the_most_alike_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "MOST_OF_ONE", 2)
    one = drawn(0)
    shades = [cv2.addWeighted(one, 1 - share, drawn(9), share, 0) for share in (0.45, 0.4, 0.1, 0.05)]
    pairs = found_among([one, *shades])
    assert {(0, 3), (0, 4)} <= pairs
    assert (0, 1) not in pairs


def test_progress_counts_every_picture_once():
    counted: list[int] = []
    search.candidates(5, [drawn(seed) for seed in range(5)].__getitem__, counted.append)
    assert sum(counted) == 5


def test_twice_the_pictures_are_asked_for_twice_as_often(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "PICTURES_A_CENTRE", 2)
    monkeypatch.setattr(search, "LEAST_BLOCK", 2)
    asked = []
    add = search._Best.add

    def counted(best: search._Best, pictures: np.ndarray, *rest) -> None:
        asked[-1] += len(pictures)
        add(best, pictures, *rest)

    monkeypatch.setattr(search._Best, "add", counted)
    pictures = [drawn(seed) for seed in range(160)]
    for count in (80, 160):
        asked.append(0)
        search.candidates(count, pictures.__getitem__, lambda count: None)
    assert asked[1] < 2.6 * asked[0]
