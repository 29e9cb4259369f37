"""Seam, colour and sharpness inside a mask: what is wrong with a picture shows in the measure made for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from wrapper.evaluation.measures.around import inside, ring
from wrapper.evaluation.measures.colour import colour_difference
from wrapper.evaluation.measures.seam import edge_jump, seam_visibility
from wrapper.evaluation.measures.sharpness import sharpness_difference

MEASURES = (seam_visibility, colour_difference, sharpness_difference)


@pytest.fixture
def scene():
    """A textured picture and a disc to repaint."""
    random = np.random.default_rng(5)
    rough = random.normal(0, 22, (96, 96, 3))
    ramp = np.linspace(90, 150, 96)[None, :, None]
    truth = np.clip(ramp + cv2.GaussianBlur(rough, (3, 3), 0.8), 0, 255).astype(np.uint8)
    rows, columns = np.mgrid[:96, :96]
    return truth, (rows - 48) ** 2 + (columns - 48) ** 2 < 24**2


def pasted(truth, mask, part):
    return np.where(mask[..., None], part, truth).astype(np.uint8)


def grey(value, side=40):
    return np.full((side, side, 3), value, np.uint8)


def square(side=40):
    mask = np.zeros((side, side), bool)
    mask[10:30, 10:30] = True
    return mask


@pytest.mark.parametrize("measure", MEASURES)
def test_the_truth_itself_has_nothing_to_show(scene, measure):
    truth, mask = scene
    assert measure(truth, truth, mask) == 0


def test_another_texture_of_the_same_kind_is_seen_less_than_one_of_another_brightness(scene):
    truth, mask = scene
    other = pasted(truth, mask, np.roll(truth, 31, axis=0))
    shifted = pasted(truth, mask, np.roll(truth.astype(int), 31, axis=0) + 40)
    assert seam_visibility(other, truth, mask) < seam_visibility(shifted, truth, mask) / 2
    assert colour_difference(other, truth, mask) < 1.5
    assert sharpness_difference(other, truth, mask) < 0.25


def test_a_shift_of_hue_raises_the_colour_difference_and_not_the_sharpness(scene):
    truth, mask = scene
    hsv = cv2.cvtColor(pasted(truth, mask, truth), cv2.COLOR_RGB2HSV)
    hsv[..., 1] = np.minimum(hsv[..., 1].astype(int) + 70, 255)
    hsv[..., 0] = 20
    wrong = pasted(truth, mask, cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))
    assert colour_difference(wrong, truth, mask) > 10
    assert sharpness_difference(wrong, truth, mask) < 0.5


def test_a_blur_shows_as_missing_sharpness_and_not_as_colour(scene):
    truth, mask = scene
    soft = pasted(truth, mask, cv2.GaussianBlur(truth, (0, 0), 2.5))
    softer = pasted(truth, mask, cv2.GaussianBlur(truth, (0, 0), 5))
    assert 1 < sharpness_difference(soft, truth, mask) < sharpness_difference(softer, truth, mask)
    assert colour_difference(soft, truth, mask) < 1


def test_grain_counts_like_softness(scene):
    truth, mask = scene
    noise = np.random.default_rng(1).normal(0, 40, truth.shape)
    grainy = pasted(truth, mask, np.clip(truth + noise, 0, 255))
    assert sharpness_difference(grainy, truth, mask) > 1


def test_half_the_energy_is_one_octave():
    random = np.random.default_rng(2)
    texture = random.normal(0, 1, (80, 80, 1)).repeat(3, axis=2)
    truth = np.clip(128 + 40 * texture, 0, 255).astype(np.uint8)
    mask = np.zeros((80, 80), bool)
    mask[20:60, 20:60] = True
    fainter = pasted(truth, mask, 128 + (truth.astype(float) - 128) / 2**0.5)
    assert sharpness_difference(fainter, truth, mask) == pytest.approx(1, abs=0.05)


def test_a_square_ten_lightnesses_brighter_has_a_seam_of_ten():
    dark, mask = grey(119), square()
    light = cv2.cvtColor(np.float32([[[60.0, 0, 0]]]), cv2.COLOR_LAB2RGB)[0, 0, 0] * 255
    fifty = cv2.cvtColor(np.float32([[[50.0, 0, 0]]]), cv2.COLOR_LAB2RGB)[0, 0, 0] * 255
    assert round(float(fifty)) == 119
    bright = pasted(dark, mask, grey(round(float(light))))
    assert seam_visibility(bright, dark, mask) == pytest.approx(10, abs=0.4)
    assert colour_difference(bright, dark, mask) == pytest.approx(10, abs=0.4)


def test_an_edge_that_the_truth_has_too_is_no_seam():
    mask = square()
    truth = pasted(grey(60), mask, grey(200))
    assert edge_jump(truth, mask) > 40
    assert seam_visibility(truth, truth, mask) == 0


def test_a_soft_transition_within_the_mask_hides_the_seam():
    mask = square(60)
    dark = grey(110, 60)
    hard = pasted(dark, mask, grey(150, 60))
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 4)[..., None] * mask[..., None]
    soft = (dark + share * 40).astype(np.uint8)
    assert seam_visibility(soft, dark, mask) < seam_visibility(hard, dark, mask) / 2


def test_inside_and_ring_leave_the_edge_out_and_do_not_meet():
    mask = square()
    assert not (inside(mask) & ring(mask)).any()
    assert inside(mask).sum() == 18 * 18
    assert not ring(mask)[9:31, 9:31].any()


@pytest.mark.parametrize("mask", [np.ones((20, 20), bool), np.eye(20, dtype=bool)], ids=["all", "a line"])
def test_odd_masks_still_give_numbers(mask):
    picture, truth = grey(90, 20), grey(120, 20)
    assert all(np.isfinite(measure(picture, truth, mask)) for measure in MEASURES)
    assert colour_difference(picture, truth, mask) > 5 or not mask.all()
