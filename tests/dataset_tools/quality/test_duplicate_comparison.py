"""How candidates are compared: strangers at a glance, and what is known not at all."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset_tools.quality.duplicates import Fingerprint, fingerprint, groups
from dataset_tools.quality.duplicates.glance import is_hopeful
from dataset_tools.quality.duplicates.groups import alike_pairs, first_of_equals
from dataset_tools.quality.duplicates.thumbnails import SIDE_PX

IN_PLACE = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
SIZE = (SIDE_PX, SIDE_PX)


def soft(seed: int, sigma: float) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=SIZE).astype(np.float32)
    spots = cv2.GaussianBlur(values, (0, 0), sigma)
    return spots / spots.std()


def picture(light: int, detail: int) -> np.ndarray:
    """Broad light and shade, and spots over them."""
    return np.clip(128 + 40 * soft(light, 16) + 25 * soft(detail, 3), 0, 255).astype(np.uint8)


def test_a_copy_that_lies_a_little_apart_is_worth_a_closer_look():
    apart = IN_PLACE + np.array([[0.01, 0, 0.005], [0, -0.01, 0.01]], np.float32)
    assert is_hopeful(picture(1, 2), cv2.convertScaleAbs(picture(1, 2), alpha=0.8, beta=20), apart)


def test_the_same_light_on_something_else_is_not():
    assert not is_hopeful(picture(1, 2), picture(1, 3), IN_PLACE)


def test_pictures_that_do_not_overlap_are_not():
    assert not is_hopeful(picture(1, 2), picture(1, 2), IN_PLACE + np.array([[0, 0, 5]] * 2, np.float32))


class Prints(list[Fingerprint]):
    """Counts what is asked for."""

    asked = 0

    def __getitem__(self, place):
        self.asked += 1
        return super().__getitem__(place)


def test_what_is_known_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(groups, "THUMBNAILS_KEPT", 1)
    one = np.repeat(picture(1, 2)[..., None], 3, axis=2)
    shades = [np.ascontiguousarray(one[cut:, cut:]) for cut in range(0, 24, 2)]
    prints = Prints(fingerprint(shade) for shade in shades)
    first = first_of_equals(iter(prints))
    known: dict[bytes, float] = {}
    found = alike_pairs(prints, first, 0.75, known)
    assert len(found) == len(shades) - 1
    before, prints.asked = prints.asked, 0
    assert alike_pairs(prints, first, 0.75, known) == found
    assert prints.asked == 3 * len(prints) < before
