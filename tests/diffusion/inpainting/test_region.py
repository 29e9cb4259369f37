"""The region about a mask: where it lies, how it is fed in, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from wrapper.diffusion.inpainting.region import Region, check_mask, masked_box, region_around, resize


def mask_with(shape, top, bottom, left, right):
    mask = np.zeros(shape, np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def test_the_region_is_a_square_of_context_times_the_masks_longer_side():
    region = region_around(Region(140, 90, 150, 110), (200, 300), context=3.0)
    assert (region.width, region.height) == (60, 60)
    assert (region.x0, region.y0) == (115, 70)


def test_padding_fixes_the_margin_instead():
    region = region_around(Region(140, 90, 150, 110), (200, 300), context=3.0, padding_px=7)
    assert (region.width, region.height) == (34, 34)


@pytest.mark.parametrize("box", [(0, 5, 0, 5), (195, 200, 290, 300), (0, 200, 3, 4), (0, 200, 0, 300)])
def test_a_region_at_the_edge_moves_inside_and_holds_the_whole_mask(box):
    mask = mask_with((200, 300), *box)
    region = region_around(masked_box(mask), mask.shape, context=1.5)
    assert 0 <= region.x0 < region.x1 <= 300
    assert 0 <= region.y0 < region.y1 <= 200
    assert region.cut(mask).sum() == mask.sum()


def test_the_work_size_keeps_shape_and_area_in_steps_of_eight():
    assert Region(0, 0, 100, 100).work_size(512) == (512, 512)
    assert Region(0, 0, 300, 200).work_size(512) == (624, 416)
    assert Region(0, 0, 1, 400).work_size(64) == (8, 1280)


def test_resizing_to_the_same_size_is_exact():
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3)).astype(np.uint8)
    assert np.array_equal(resize(image, (20, 12)), image)
    assert resize(image, (10, 6)).shape == (6, 10, 3)


def test_a_mask_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(UserError, match="mask is 20×10 pixels, the upright image 10×20"):
        check_mask(np.zeros((20, 10, 3), np.uint8), np.full((10, 20), 255, np.uint8))


def test_an_empty_mask_is_refused():
    with pytest.raises(UserError, match="empty"):
        check_mask(np.zeros((20, 10, 3), np.uint8), np.full((20, 10), 127, np.uint8))
