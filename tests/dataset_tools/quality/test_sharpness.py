"""Sharpness of real photographs: what is soft is found, what only looks so is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset_tools.pictures.pyramid import pyramid
from dataset_tools.quality.measure import Measures, measure
from dataset_tools.quality.measures.sharpness import edge_width_px, softness
from tests.dataset_tools.spoiled import astronaut, blurred, inspected, jpeged, moved, noisy, photographs

PHOTOGRAPHS = photographs()
LIMIT_PX = 0.25


@pytest.fixture(params=PHOTOGRAPHS)
def photograph(request: pytest.FixtureRequest) -> np.ndarray:
    return PHOTOGRAPHS[request.param]


def worst_px(rgb: np.ndarray) -> float:
    found: Measures = measure(inspected(rgb))
    return max(found.blur_px, found.motion_px)


@pytest.mark.parametrize("width_px", [1.0, 2.0, 3.0])
def test_the_width_of_a_blurred_step_is_its_sigma(width_px):
    step = np.zeros((256, 256), np.uint8)
    step[:, 128:], step[128:] = 200, 50
    step[128:, 128:] = 250
    found = softness(pyramid(blurred(np.dstack([step] * 3), width_px)), noise=0.0)
    assert edge_width_px(found.all_over) == pytest.approx(width_px, rel=0.2)


def test_a_photograph_is_softer_the_more_it_is_blurred(photograph):
    widths = [worst_px(blurred(photograph, sigma) if sigma else photograph) for sigma in (0, 1, 2, 3, 5)]
    assert widths == sorted(widths)
    assert widths[0] < 0 < LIMIT_PX < widths[2]


@pytest.mark.parametrize("sigma", [4, 10, 18])
def test_noise_neither_makes_a_soft_photograph_sharp_nor_a_sharp_one_soft(photograph, sigma):
    soft, sharp = noisy(blurred(photograph, 3), sigma), noisy(photograph, sigma)
    assert worst_px(sharp) < LIMIT_PX < worst_px(soft)


def test_noise_fools_the_variance_of_the_laplacian_which_decides_nothing(photograph):
    soft = noisy(blurred(photograph, 3), 18)
    assert measure(inspected(soft)).laplacian_variance > measure(inspected(photograph)).laplacian_variance


def oval(rgb: np.ndarray) -> np.ndarray:
    mask = np.zeros(rgb.shape[:2], np.float32)
    height, width = mask.shape
    cv2.ellipse(mask, (width // 2, height // 2), (width // 3, height * 2 // 5), 0, 0, 360, 1, -1)
    return cv2.GaussianBlur(mask, (0, 0), 2)[..., None]


def test_a_soft_background_is_no_fault_and_a_soft_subject_before_a_sharp_one_is(photograph):
    inside, soft = oval(photograph), blurred(photograph, 4)
    portrait = (inside * photograph + (1 - inside) * soft).astype(np.uint8)
    missed = (inside * soft + (1 - inside) * photograph).astype(np.uint8)
    assert worst_px(portrait) < LIMIT_PX < worst_px(missed)


def shaded(rgb: np.ndarray) -> np.ndarray:
    """Faint, on a round ground whose shade is steeper than what is left of it."""
    height, width = rgb.shape[:2]
    waves = np.sin(np.arange(width) / 25) + np.sin(np.arange(height) / 25)[:, None]
    return np.clip(rgb * 0.4 + 70 + 50 * waves[..., None], 0, 255).astype(np.uint8)


def test_shade_is_not_softness(photograph):
    assert worst_px(shaded(photograph)) < LIMIT_PX < worst_px(shaded(blurred(photograph, 4)))


def test_the_box_says_where_the_subject_is():
    sharp_corner = blurred(astronaut(), 4)
    sharp_corner[:300, :250] = astronaut()[:300, :250]
    assert measure(inspected(sharp_corner), (60, 60, 200, 240)).blur_px < LIMIT_PX
    assert measure(inspected(sharp_corner), (350, 300, 500, 500)).blur_px > LIMIT_PX


def test_a_picture_that_was_moved_is_soft_in_one_direction(photograph):
    found = measure(inspected(moved(photograph, 21)))
    assert found.motion_px > LIMIT_PX


@pytest.mark.parametrize("sigma", [0, 4])
def test_a_sky_or_a_wall_without_any_edge_is_not_called_soft(sigma):
    slope = np.tile(np.linspace(60, 220, 512).astype(np.uint8)[:, None, None], (1, 512, 3))
    assert worst_px(noisy(slope, sigma) if sigma else slope) < LIMIT_PX


def test_a_picture_that_is_washed_out_altogether_is_as_soft_as_can_be():
    blobs = np.random.default_rng(2).integers(0, 255, (6, 6, 3)).astype(np.uint8)
    washed = cv2.resize(blobs, (512, 512), interpolation=cv2.INTER_CUBIC)
    assert worst_px(blurred(washed, 25)) > 1


def test_a_large_picture_is_judged_at_the_size_of_training():
    large = cv2.resize(astronaut(), (2048, 2048), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    assert worst_px(large) == pytest.approx(worst_px(small), abs=0.25)


def test_compression_alone_is_not_blur(photograph):
    assert worst_px(jpeged(photograph, 60)) < LIMIT_PX
