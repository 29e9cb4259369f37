"""Masked PSNR and SSIM against hand-made cases and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from wrapper.evaluation.measures.fidelity import (
    MAX_PSNR_DB,
    masked_psnr_db,
    masked_ssim,
    outside_difference,
    ssim_map,
)


@pytest.fixture
def pair():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 256, (48, 40, 3)).astype(np.uint8)
    noisy = np.clip(truth + rng.normal(0, 25, truth.shape), 0, 255).astype(np.uint8)
    return noisy, truth


def box():
    mask = np.zeros((48, 40), bool)
    mask[10:20, 5:30] = True
    return mask


def test_a_tenth_of_the_range_off_is_twenty_decibels():
    truth = np.zeros((4, 4, 3), np.uint8)
    picture = truth.copy()
    picture[0, 0] = 51
    mask = np.zeros((4, 4), bool)
    mask[0, :2] = True
    assert masked_psnr_db(picture, truth, mask) == pytest.approx(10 * np.log10(255**2 / (51**2 / 2)))


def test_only_masked_pixels_count(pair):
    noisy, truth = pair
    mask = box()
    changed = np.where(mask[..., None], noisy, 255 - truth)
    assert masked_psnr_db(changed, truth, mask) == masked_psnr_db(noisy, truth, mask)


def test_identical_pixels_score_the_cap(pair):
    assert masked_psnr_db(pair[1], pair[1], box()) == MAX_PSNR_DB
    assert masked_ssim(pair[1], pair[1], box()) == pytest.approx(1)


def test_the_ssim_map_is_scikit_images(pair):
    _, expected = structural_similarity(
        *pair,
        channel_axis=-1,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert np.allclose(ssim_map(*pair), expected, atol=1e-9)
    assert masked_ssim(*pair, box()) == pytest.approx(expected[box()].mean())


def test_one_changed_pixel_outside_is_seen(pair):
    _, truth = pair
    picture = truth.copy()
    assert outside_difference(picture, truth, box()) == 0
    picture[0, 0, 2] ^= 3
    assert outside_difference(picture, truth, box()) in (1, 3)
    assert outside_difference(picture, truth, np.ones((48, 40), bool)) == 0
