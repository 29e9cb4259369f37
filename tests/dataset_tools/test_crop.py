"""Crops: where the square lies, that image and mask stay together, and what lies outside."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.pictures.crop import Crop, apply, crop_for


def picture(height: int, width: int) -> np.ndarray:
    """Every pixel says where it is: red is x, green is y."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x % 256, y % 256, (x // 256) + 16 * (y // 256)], axis=-1).astype(np.uint8)


def mask_of(height: int, width: int, box: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[box[1] : box[3], box[0] : box[2]] = 255
    return mask


@pytest.mark.parametrize(
    ("size_hw", "box", "context", "expected"),
    [
        ((1000, 1000), (400, 500, 500, 600), 3.0, Crop(300, 400, 300)),
        ((1000, 800), (0, 0, 100, 100), 3.0, Crop(0, 0, 300)),
        ((1000, 800), (750, 950, 800, 1000), 4.0, Crop(600, 800, 200)),
        ((64, 64), (10, 20, 22, 40), 20.0, Crop(0, 0, 64)),
        ((1000, 600), (100, 100, 500, 500), 20.0, Crop(-200, 0, 1000)),
        ((100, 50), (0, 0, 50, 100), 1.0, Crop(-25, 0, 100)),
    ],
    ids=["centred", "moved inside", "at the corner", "whole drawing", "padded", "box is the picture"],
)
def test_the_square_lies_around_the_mask(size_hw, box, context, expected):
    assert crop_for(size_hw, mask_of(*size_hw, box), None, "front", "bust", "x.png", context) == expected
    assert crop_for(size_hw, None, box, "front", "bust", "x.png", context) == expected


def test_the_mask_wins_over_the_ear_box():
    mask = mask_of(100, 100, (10, 10, 20, 20))
    assert crop_for((100, 100), mask, (80, 80, 90, 90), "front", "ear", "x", 2.0) == Crop(5, 5, 20)


def test_an_empty_mask_leaves_the_ear_box():
    mask = np.zeros((100, 100), np.uint8)
    assert crop_for((100, 100), mask, (80, 80, 90, 90), "front", "ear", "x", 2.0) == Crop(75, 75, 20)


@pytest.mark.parametrize(
    ("view", "type_", "name", "expected"),
    [
        ("front", "bust", "anna.jpg", Crop(0, 40, 600)),
        ("front", "torso", "anna.jpg", Crop(0, 40, 600)),
        ("front", "full", "anna.jpg", Crop(-200, 0, 1000)),
        ("front", "bust", "anna_bottom.jpg", Crop(0, 400, 600)),
        ("front", "bust", "surface.jpg", Crop(0, 40, 600)),
        ("front", "bust", "anna-face.jpg", Crop(0, 0, 600)),
        ("front", "ear", "close.jpg", Crop(0, 200, 600)),
    ],
)
def test_without_a_box_type_and_name_decide_in_a_tall_picture(view, type_, name, expected):
    assert crop_for((1000, 600), None, None, view, type_, name, 3.0) == expected


@pytest.mark.parametrize(
    ("view", "name", "x"),
    [
        ("front", "ear_left/a.jpg", 400),
        ("front", "ear_right/a.jpg", 0),
        ("back", "ear_left/a.jpg", 0),
        ("back", "ear_right/a.jpg", 400),
        ("profile_left", "ear_left/a.jpg", 200),
        ("front", "leftover.jpg", 200),
    ],
)
def test_without_a_box_the_ear_is_on_the_side_that_view_and_name_say(view, name, x):
    assert crop_for((600, 1000), None, None, view, "ear", name, 3.0) == Crop(x, 0, 600)


def test_a_crop_of_the_right_size_is_pixel_for_pixel():
    image = picture(200, 300)
    assert np.array_equal(apply(image, Crop(30, 40, 64), 64), image[40:104, 30:94])


def test_outside_the_picture_pixels_are_reflected():
    image = np.arange(4, dtype=np.uint8)[None, :].repeat(8, axis=0)
    assert apply(image, Crop(-2, 0, 8), 8)[0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


def test_a_picture_one_pixel_wide_can_be_reflected():
    assert apply(np.full((5, 1), 7, np.uint8), Crop(-2, 0, 5), 5).tolist() == [[7] * 5] * 5


@pytest.mark.parametrize("crop", [Crop(120, 60, 150), Crop(-40, -30, 400), Crop(0, 0, 48)], ids=str)
def test_image_and_mask_stay_together(crop: Crop):
    mask = mask_of(300, 330, (150, 80, 220, 190))
    image = np.stack([mask, mask, mask], axis=-1)
    cut_image, cut_mask = apply(image, crop, 96)[..., 0], apply(mask, crop, 96, nearest=True)
    assert set(np.unique(cut_mask)) <= {0, 255}
    difference = (cut_image >= 128) != (cut_mask >= 128)
    edge = (
        np.abs(np.diff(cut_mask.astype(int), axis=0)).sum() / 255
        + np.abs(np.diff(cut_mask.astype(int), axis=1)).sum() / 255
    )
    assert difference.sum() <= edge


def test_shrinking_averages_and_enlarging_keeps_the_range():
    checker = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(apply(checker, Crop(0, 0, 64), 32).astype(int) - 128).max() <= 1
    assert apply(checker, Crop(0, 0, 32), 64).shape == (64, 64)


def test_the_source_is_not_changed():
    image = picture(80, 80)
    before = image.copy()
    apply(image, Crop(-5, -5, 90), 64)[:] = 0
    apply(image, Crop(0, 0, 80), 80)[:] = 0
    assert np.array_equal(image, before)
