"""Noise of known sigma over real photographs."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.pictures.pyramid import pyramid
from dataset_tools.quality.measures.noise import Noise, noise_of
from tests.dataset_tools.spoiled import noisy, photographs, relit

PHOTOGRAPHS = photographs()


@pytest.fixture(params=PHOTOGRAPHS)
def photograph(request: pytest.FixtureRequest) -> np.ndarray:
    return PHOTOGRAPHS[request.param]


def noise(rgb: np.ndarray) -> Noise:
    sizes = pyramid(rgb)
    return noise_of(sizes.rgb, sizes.luma)


def off(found: float, sigma: float) -> float:
    """How far an estimate is off, as a share of what is tolerated: a tenth, or one grey level."""
    return abs(found - sigma) / max(1.0, 0.1 * sigma)


@pytest.mark.parametrize("sigma", [4.0, 10.0, 20.0, 35.0])
def test_noise_is_measured_within_a_tenth_or_one_grey_level(photograph, sigma):
    assert off(noise(noisy(photograph, sigma)).sigma, sigma) < 1


def test_noise_of_the_luma_alone_is_measured_too(photograph):
    grain = np.random.default_rng(5).normal(0, 20, photograph.shape[:2])[..., None]
    grainy = np.clip(photograph + grain, 0, 255).round().astype(np.uint8)
    assert off(noise(grainy).sigma, 20) < 1


def test_noise_in_the_dark_is_measured_although_half_of_it_is_cut_off(photograph):
    assert off(noise(noisy(relit(photograph, 0.35, 4), 20)).sigma, 20) < 1


@pytest.mark.parametrize("level", [0, 255])
def test_noise_on_black_and_white(level):
    assert off(noise(noisy(np.full((256, 256, 3), level, np.uint8), 20)).sigma, 20) < 2


def test_a_photograph_has_little_noise_and_grey_texture_is_none(photograph):
    from skimage import data

    assert noise(photograph).sigma < 3
    assert noise(np.dstack([data.grass()] * 3)).sigma < 5
    assert noise(np.dstack([data.gravel()] * 3)).sigma < 3


def test_the_noise_of_the_luma_is_that_of_the_weighted_channels():
    found = noise(noisy(np.full((512, 512, 3), 128, np.uint8), 10))
    assert found.luma == pytest.approx(10 * np.sqrt(0.299**2 + 0.587**2 + 0.114**2), rel=0.05)


def test_a_flat_and_a_tiny_picture_have_no_noise():
    assert noise(np.full((64, 64, 3), 90, np.uint8)).sigma == 0
    assert noise(np.zeros((5, 5, 3), np.uint8)).sigma == 0
