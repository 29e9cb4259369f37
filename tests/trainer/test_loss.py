"""The loss on numbers that can be checked by hand."""

from __future__ import annotations

import pytest
import torch

from wrapper.trainer.loss import add_noise, draw_noise, masked_mean, min_snr_weight, step_loss

ALPHAS = torch.tensor([10 / 11, 0.5, 0.2])
"""Signal-to-noise ratios of 10, 1 and 0.25."""


def test_min_snr_weighs_clear_steps_down_only():
    weights = min_snr_weight(ALPHAS, torch.tensor([0, 1, 2]), 5.0)
    torch.testing.assert_close(weights, torch.tensor([0.5, 1.0, 1.0]))


def test_noise_and_picture_share_the_variance():
    ones = torch.ones(2, 1, 1, 1)
    noisy = add_noise(ones, 2 * ones, ALPHAS, torch.tensor([1, 2])).noisy.flatten()
    torch.testing.assert_close(noisy, torch.tensor([3 * 0.5**0.5, 0.2**0.5 + 2 * 0.8**0.5]))


def test_offset_shifts_whole_channels():
    latents = torch.zeros(2, 4, 64, 64)
    plain = draw_noise(latents, torch.Generator().manual_seed(1), 0.0, random_offset=False)
    shifted = draw_noise(latents, torch.Generator().manual_seed(1), 0.5, random_offset=False)
    shift = shifted - plain
    assert shift.std(dim=(2, 3)).max() < 1e-6
    assert shift.mean(dim=(2, 3)).unique().numel() > 4


@pytest.mark.parametrize(("normalize", "expected"), [(False, 0.25), (True, 1.0)])
def test_mask_counts_its_own_part_and_normalised_its_mean(normalize: bool, expected: float):
    error = torch.ones(1, 4, 4, 4)
    error[:, :, 2:] = 100.0
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16, :16] = 1.0
    assert float(masked_mean(error, mask, normalize=normalize)) == pytest.approx(expected)


def test_prior_weight_scales_its_own_pictures():
    predicted, noise = torch.zeros(2, 4, 2, 2), torch.ones(2, 4, 2, 2)
    loss = step_loss(
        predicted,
        noise,
        mask=None,
        normalize=False,
        weights=torch.tensor([1.0, 0.5]),
        snr_weights=torch.tensor([1.0, 0.2]),
    )
    assert float(loss) == pytest.approx((1 + 0.1) / 2)
