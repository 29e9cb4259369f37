"""Which pictures are copies of which, and which only look alike."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from dataset_tools.pictures.images import decode
from dataset_tools.quality.duplicates import Fingerprint, Match, find_duplicates, fingerprint
from dataset_tools.quality.thresholds import load_thresholds
from tests.dataset_tools.spoiled import astronaut, jpeged, noisy, photographs, relit

PHOTOGRAPHS = photographs()
LEAST = load_thresholds().similarity_warn


def framed(rgb: np.ndarray, level: int) -> np.ndarray:
    return cv2.copyMakeBorder(rgb, 60, 60, 90, 90, cv2.BORDER_CONSTANT, value=(level,) * 3)


COPIES = {
    "mirrored": lambda rgb: rgb[:, ::-1],
    "turned": np.rot90,
    "upside down": lambda rgb: rgb[::-1],
    "smaller": lambda rgb: rgb[::2, ::2],
    "wider": lambda rgb: cv2.resize(rgb, None, fx=1.4, fy=1),
    "re-lit": lambda rgb: relit(rgb, 0.8, 10),
    "darker": lambda rgb: relit(rgb, 1.0, -60),
    "grey": lambda rgb: np.repeat(rgb.mean(axis=2, keepdims=True), 3, axis=2).round().astype(np.uint8),
    "saved again": lambda rgb: jpeged(rgb, 20),
    "noisy": lambda rgb: noisy(rgb, 20),
    "without its left and upper 30 %": lambda rgb: rgb[154:, 154:],
    "its middle 70 %": lambda rgb: rgb[77:-77, 77:-77],
    "in a white frame": lambda rgb: framed(rgb, 255),
    "in a black frame, saved again": lambda rgb: jpeged(framed(rgb, 0), 50),
    "turned, cropped, smaller": lambda rgb: np.rot90(rgb)[40:-30:2, 20:-60:2],
}


def prints_of(*pictures: np.ndarray) -> list[Fingerprint | None]:
    return [fingerprint(np.ascontiguousarray(one)) for one in pictures]


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_beside_others(kind: str):
    others = [p for name, p in PHOTOGRAPHS.items() if name != "astronaut"]
    found = find_duplicates(prints_of(*others, astronaut(), COPIES[kind](astronaut())), LEAST)
    assert list(found) == [len(others) + 1]
    match = found[len(others) + 1]
    assert match.original == len(others)
    assert not match.equal
    assert LEAST <= match.similarity <= 1


def test_what_a_darker_copy_lost_does_not_make_it_another_picture():
    """A third of the picture is a dark coat, which is black in the copy."""
    coat = PHOTOGRAPHS["camera"]
    assert list(find_duplicates(prints_of(coat, relit(coat, 1.0, -60)), LEAST)) == [1]


def test_equal_pixels_are_equal_and_the_first_is_the_original():
    prints = [None, *prints_of(astronaut(), PHOTOGRAPHS["cat"], astronaut(), astronaut())]
    assert find_duplicates(prints, None) == {3: Match(1, 1.0, equal=True), 4: Match(1, 1.0, equal=True)}


def test_one_changed_pixel_is_not_equal():
    other = astronaut()
    other[3, 5, 1] ^= 1
    assert find_duplicates(prints_of(astronaut(), other), None) == {}


def test_the_best_copy_is_the_original_of_all_others():
    small, whole = astronaut()[::2, ::2], astronaut()
    prints = [*prints_of(small, whole, whole[:, ::-1], whole, PHOTOGRAPHS["coffee"]), None]
    found = find_duplicates(prints, LEAST, ranks=[2, 0, 1, 0, 0, 0])
    assert {index: (match.original, match.equal) for index, match in found.items()} == {
        0: (1, False),
        2: (1, False),
        3: (1, True),
    }


def test_copies_of_copies_are_in_one_group():
    """Two crops with little in common, both of the third picture."""
    left, right = astronaut()[:, :365], astronaut()[:, 147:]
    found = find_duplicates(prints_of(left, right, astronaut()), LEAST)
    assert {index: match.original for index, match in found.items()} == {1: 0, 2: 0}


def test_two_photographs_of_one_scene_are_not_the_same():
    folder = Path(skimage.data.__file__).parent
    pair = [decode(folder / f"motorcycle_{side}.png").rgb for side in ("left", "right")]
    assert find_duplicates(prints_of(*pair), LEAST) == {}


def with_head(x: int, y: int, source: str) -> np.ndarray:
    """An oval of a photograph, 11 % of the picture, before the astronaut's studio."""
    head, inside = cv2.resize(PHOTOGRAPHS[source], (512, 512)), np.zeros((512, 512), np.float32)
    cv2.ellipse(inside, (256, 256), (80, 115), 0, 0, 360, 1.0, -1)
    move = np.array([[1, 0, x], [0, 1, y]], np.float32)
    head, inside = (cv2.warpAffine(one, move, (512, 512)) for one in (head, inside))
    return np.where(inside[..., None] > 0.5, head, astronaut())


@pytest.mark.parametrize(
    "second",
    [with_head(0, 0, "coffee"), with_head(30, 0, "cat"), with_head(0, -24, "cat")],
    ids=["another head", "moved aside", "moved up"],
)
def test_two_photographs_of_one_session_are_not_the_same(second: np.ndarray):
    assert find_duplicates(prints_of(with_head(0, 0, "cat"), second), LEAST) == {}


def sky(low: float, high: float, seed: int) -> np.ndarray:
    levels = np.broadcast_to(np.linspace(low, high, 300)[:, None, None], (300, 400, 3))
    return np.clip(levels + np.random.default_rng(seed).normal(0, 2, levels.shape), 0, 255).astype(np.uint8)


def test_plain_pictures_are_not_copies_of_each_other():
    blank = [np.full((40, 40, 3), value, np.uint8) for value in (0, 100, 255)]
    skies = [sky(120, 220, 1), sky(110, 230, 2), sky(220, 120, 3)]
    assert find_duplicates(prints_of(*blank, *skies), LEAST) == {}


@pytest.mark.parametrize("prints", [[], [None], prints_of(astronaut())], ids=["no", "no readable", "one"])
def test_few_pictures_have_no_copies(prints: list[Fingerprint | None]):
    assert find_duplicates(prints, LEAST) == {}
