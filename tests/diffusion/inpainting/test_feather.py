"""The soft edge: how far it reaches, that bands make no difference, and that nothing beyond it changes."""

from __future__ import annotations

import numpy as np
import pytest

from wrapper.diffusion.inpainting import feather as module
from wrapper.diffusion.inpainting.feather import feather, feather_bands, feathered_box, lay_back, touched
from wrapper.diffusion.inpainting.region import Region


def mask_with(shape, top, bottom, left, right):
    mask = np.zeros(shape, np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


@pytest.fixture
def spots():
    """Spots all over, and a wide empty stretch of rows between them."""
    mask = np.where(np.random.default_rng(1).random((90, 70)) > 0.99, 255, 0).astype(np.uint8)
    mask[30:70] = 0
    return mask


def test_feathering_is_one_inside_falls_outside_and_ends_at_the_radius():
    share = feather(mask_with((40, 40), 15, 25, 15, 25), 4)
    row = share[20, 24:31]
    assert row[0] == 1
    assert (np.diff(row[:5]) < 0).all()
    assert row[4] > 0
    assert (row[5:] == 0).all()


def test_a_feather_of_nothing_is_the_mask_itself():
    mask = mask_with((40, 40), 15, 25, 15, 25)
    assert np.array_equal(feather(mask, 0), (mask > 0).astype(np.float32))


@pytest.mark.parametrize("radius", [0, 1, 4, 11])
def test_in_bands_it_is_the_same_as_at_once(spots, radius, monkeypatch):
    monkeypatch.setattr(module, "BAND_PIXELS", 70)
    whole, found = feather(spots, radius), np.zeros(spots.shape, np.float32)
    bands = list(feather_bands(spots, feathered_box(spots, radius), radius))
    for band, share in bands:
        band.cut(found)[...] = share
    assert len(bands) > 3
    assert np.allclose(found, whole, atol=1e-6)
    assert np.array_equal(found > 0, whole > 0)


def test_what_is_touched_is_what_has_a_share(spots):
    everything = Region(0, 0, 70, 90)
    assert np.array_equal(touched(spots, everything, 3) > 0, feather(spots, 3) > 0)


@pytest.mark.parametrize("box", [(10, 20, 30, 40), (0, 3, 0, 50), (0, 40, 0, 50)])
def test_laying_back_changes_nothing_where_the_share_is_zero(box):
    image = np.random.default_rng(0).integers(10, 256, (40, 50, 3)).astype(np.uint8)
    mask = mask_with((40, 50), *box)
    share, region = feather(mask, 3), feathered_box(mask, 3).grown(2, mask.shape)
    result, patch = image.copy(), np.full((region.height, region.width, 3), 9, np.uint8)
    changed = lay_back(result, patch, mask, region, 3)
    assert np.array_equal(result[share == 0], image[share == 0])
    assert (result[share == 1] == 9).all()
    assert changed == (result != image).any(-1).sum() >= (share == 1).sum()
