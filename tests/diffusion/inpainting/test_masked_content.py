"""Masked content: the hole is filled, nothing else is touched, and a seed means the same noise."""

from __future__ import annotations

import numpy as np
import pytest

from wrapper.diffusion.inpainting.masked_content import fill_hole


@pytest.fixture
def image():
    """Red on the left, blue on the right, an off-colour patch between them."""
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :48, 0] = image[:, 48:, 2] = 200
    image[20:44, 30:66] = (0, 255, 0)
    return image


@pytest.fixture
def hole():
    hole = np.zeros((64, 96), np.uint8)
    hole[20:44, 30:66] = 255
    return hole


def test_original_is_the_picture_itself(image, hole):
    assert fill_hole(image, hole, "original", 1) is image


@pytest.mark.parametrize("fill", ["fill", "noise"])
def test_nothing_outside_the_hole_is_touched(image, hole, fill):
    before = image.copy()
    filled = fill_hole(image, hole, fill, 1)
    assert filled.dtype == np.uint8
    assert np.array_equal(filled[hole == 0], image[hole == 0])
    assert np.array_equal(image, before)
    assert (filled[hole > 0] != image[hole > 0]).any(-1).mean() > 0.9


def test_fill_takes_the_colours_beside_it(image, hole):
    filled = fill_hole(image, hole, "fill", 1).astype(int)
    left, right = filled[32, 31], filled[32, 64]
    assert left[0] > 150 > 60 > left[2]
    assert right[2] > 150 > 60 > right[0]
    assert (filled[hole > 0][:, 1] < 30).all()


def test_a_hole_of_everything_becomes_grey(image):
    filled = fill_hole(image, np.full((64, 96), 255, np.uint8), "fill", 1)
    assert len(np.unique(filled)) == 1


def test_noise_goes_by_the_seed(image, hole):
    first, again, other = (fill_hole(image, hole, "noise", seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first[24:32, 32:40] == first[24, 32]).all()
