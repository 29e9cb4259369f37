"""Crops: where the square lies, that image and mask stay together, and what lies outside."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.pictures.buckets import Buckets
from dataset_tools.pictures.crop import Crop, apply, crop_for

SIDE = 64
SQUARES = Buckets((SIDE, SIDE))
SHAPES = Buckets((512, 512), True, lowest=256, highest=1024)


def square(x: int, y: int, side: int, target: int = SIDE) -> Crop:
    return Crop(x, y, side, side, (target, target))


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
        ((1000, 1000), (400, 500, 500, 600), 3.0, square(300, 400, 300)),
        ((1000, 800), (0, 0, 100, 100), 3.0, square(0, 0, 300)),
        ((1000, 800), (750, 950, 800, 1000), 4.0, square(600, 800, 200)),
        ((64, 64), (10, 20, 22, 40), 20.0, square(0, 0, 64)),
        ((1000, 600), (100, 100, 500, 500), 20.0, square(-200, 0, 1000)),
        ((100, 50), (0, 0, 50, 100), 1.0, square(-25, 0, 100)),
    ],
    ids=["centred", "moved inside", "at the corner", "whole drawing", "padded", "box is the picture"],
)
def test_the_square_lies_around_the_mask(size_hw, box, context, expected):
    assert (
        crop_for(size_hw, mask_of(*size_hw, box), None, "front", "bust", "x.png", context, SQUARES)
        == expected
    )
    assert crop_for(size_hw, None, box, "front", "bust", "x.png", context, SQUARES) == expected


def test_the_mask_wins_over_the_ear_box():
    mask = mask_of(100, 100, (10, 10, 20, 20))
    assert crop_for((100, 100), mask, (80, 80, 90, 90), "front", "ear", "x", 2.0, SQUARES) == square(5, 5, 20)


def test_an_empty_mask_leaves_the_ear_box():
    mask = np.zeros((100, 100), np.uint8)
    assert crop_for((100, 100), mask, (80, 80, 90, 90), "front", "ear", "x", 2.0, SQUARES) == square(
        75, 75, 20
    )


@pytest.mark.parametrize(
    ("view", "type_", "name", "expected"),
    [
        ("front", "bust", "anna.jpg", square(0, 40, 600)),
        ("front", "torso", "anna.jpg", square(0, 40, 600)),
        ("front", "full", "anna.jpg", square(-200, 0, 1000)),
        ("front", "bust", "anna_bottom.jpg", square(0, 400, 600)),
        ("front", "bust", "surface.jpg", square(0, 40, 600)),
        ("front", "bust", "anna-face.jpg", square(0, 0, 600)),
        ("front", "ear", "close.jpg", square(0, 200, 600)),
    ],
)
def test_without_a_box_type_and_name_decide_in_a_tall_picture(view, type_, name, expected):
    assert crop_for((1000, 600), None, None, view, type_, name, 3.0, SQUARES) == expected


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
    assert crop_for((600, 1000), None, None, view, "ear", name, 3.0, SQUARES) == square(x, 0, 600)


def test_a_crop_of_the_right_size_is_pixel_for_pixel():
    image = picture(200, 300)
    assert np.array_equal(apply(image, square(30, 40, 64, 64)), image[40:104, 30:94])


def test_outside_the_picture_pixels_are_reflected():
    image = np.arange(4, dtype=np.uint8)[None, :].repeat(8, axis=0)
    assert apply(image, square(-2, 0, 8, 8))[0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


def test_a_picture_one_pixel_wide_can_be_reflected():
    assert apply(np.full((5, 1), 7, np.uint8), square(-2, 0, 5, 5)).tolist() == [[7] * 5] * 5


@pytest.mark.parametrize(
    "crop", [square(120, 60, 150, 96), square(-40, -30, 400, 96), Crop(-9, 4, 160, 240, (64, 96))], ids=str
)
def test_image_and_mask_stay_together(crop: Crop):
    mask = mask_of(300, 330, (150, 80, 220, 190))
    image = np.stack([mask, mask, mask], axis=-1)
    cut_image, cut_mask = apply(image, crop)[..., 0], apply(mask, crop, nearest=True)
    assert set(np.unique(cut_mask)) <= {0, 255}
    difference = (cut_image >= 128) != (cut_mask >= 128)
    edge = (
        np.abs(np.diff(cut_mask.astype(int), axis=0)).sum() / 255
        + np.abs(np.diff(cut_mask.astype(int), axis=1)).sum() / 255
    )
    assert difference.sum() <= edge


def test_shrinking_averages_and_enlarging_keeps_the_range():
    checker = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(apply(checker, square(0, 0, 64, 32)).astype(int) - 128).max() <= 1
    assert apply(checker, square(0, 0, 32, 64)).shape == (64, 64)


def test_the_source_is_not_changed():
    image = picture(80, 80)
    before = image.copy()
    apply(image, square(-5, -5, 90, 64))[:] = 0
    apply(image, square(0, 0, 80, 80))[:] = 0
    assert np.array_equal(image, before)


@pytest.mark.parametrize("context", [1.5, 3.0, 8.0])
def test_a_bucket_crop_around_a_box_has_the_area_of_the_square(context):
    found = crop_for((1500, 1000), None, (400, 700, 500, 800), "front", "bust", "x.png", context, SHAPES)
    assert found.target == SHAPES.choose((1000, 1500))
    assert found.width * found.height == pytest.approx((100 * context) ** 2, rel=0.02)


@pytest.mark.parametrize("size_hw", [(1500, 1000), (1000, 1500), (900, 1000), (3000, 700), (40, 60)])
@pytest.mark.parametrize("type_", ["bust", "full"])
def test_a_bucket_crop_is_the_largest_part_in_the_nearest_shape(size_hw, type_):
    height, width = size_hw
    found = crop_for(size_hw, None, None, "front", type_, "x.png", 3.0, SHAPES)
    assert found.target == SHAPES.choose((width, height)) != (512, 512) or size_hw == (900, 1000)
    assert found.width / found.height == pytest.approx(found.target[0] / found.target[1], rel=0.04)
    inside = found.width <= width and found.height <= height
    assert inside == (type_ == "bust")
    touches = found.width == width or found.height == height
    assert touches
    assert apply(picture(height, width), found).shape == (found.target[1], found.target[0], 3)


@pytest.mark.parametrize("box", [(0, 0, 900, 50), (10, 10, 40, 1400), (0, 0, 1000, 1500)])
def test_a_bucket_crop_holds_the_whole_box(box):
    found = crop_for((1500, 1000), None, box, "front", "ear", "x", 1.0, SHAPES)
    assert found.x <= box[0]
    assert found.y <= box[1]
    assert found.x + found.width >= box[2]
    assert found.y + found.height >= box[3]
