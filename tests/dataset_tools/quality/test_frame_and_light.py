"""Light, content, frame, moiré and true resolution of real photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dataset_tools.quality.measure import Measures, measure
from dataset_tools.quality.measures.resolution import REPEATED
from tests.dataset_tools.spoiled import astronaut, inspected, noisy, photographs, relit, rippled

PHOTOGRAPHS = photographs()


@pytest.fixture(params=PHOTOGRAPHS)
def photograph(request: pytest.FixtureRequest) -> np.ndarray:
    return PHOTOGRAPHS[request.param]


def measured(rgb: np.ndarray) -> Measures:
    return measure(inspected(rgb))


def test_light(photograph):
    usual = measured(photograph)
    assert measured(relit(photograph, 0.15, 0)).dark > max(0.8, usual.dark)
    assert measured(relit(photograph, 0.3, 185)).light > max(0.7, usual.light)
    assert measured(relit(photograph, 0.08, 110)).contrast > max(0.89, usual.contrast)
    assert max(usual.dark, usual.light, usual.contrast) < 0.6
    assert usual.clipped < 0.01


@pytest.mark.parametrize(("gain", "offset"), [(2.6, 60), (3.5, 60)])
def test_a_picture_blown_out_by_a_gain_keeps_its_blacks(gain, offset):
    found = measured(relit(astronaut(), gain, offset))
    assert found.clipped > 0.45
    assert found.light < 0.6


def test_a_white_ground_around_a_subject_is_not_blown_out():
    framed = np.full((1024, 1024, 3), 255, np.uint8)
    framed[256:768, 256:768] = astronaut()
    found = measured(framed)
    assert found.light < 0.3
    assert found.contrast < 0.3
    framed[512:768, 256:768] = 255
    assert measured(framed).clipped == 0.0  # half of the middle is white, and so are the sides


def test_a_subject_that_stands_on_the_lower_edge_is_before_a_white_ground_too():
    framed = np.full((1024, 1024, 3), 255, np.uint8)
    framed[512:, 256:768] = astronaut()
    assert measured(framed).clipped == 0.0
    framed[200:900, :40] = 40
    assert measured(framed).clipped > 0.45  # two sides are not white: this is no ground


def test_a_blank_frame_has_no_range_even_with_noise(photograph):
    assert measured(noisy(np.full((512, 512, 3), 120, np.uint8), 12)).colour_range < 5
    assert measured(photograph).colour_range > 60
    assert measured(relit(photograph, 0.08, 110)).colour_range > 5


def test_a_fine_regular_pattern_stands_out(photograph):
    assert measured(photograph).moire < 0.9
    assert measured(rippled(photograph, 8, 3)).moire > 1.1


@pytest.mark.parametrize("method", [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
@pytest.mark.parametrize("factor", [2, 2.7, 4])
def test_an_enlarged_photograph_lacks_detail(photograph, factor, method):
    small = cv2.resize(photograph, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, None, fx=factor, fy=factor, interpolation=method)
    found = measured(large)
    assert measured(photograph).enlarged < 0 < found.enlarged
    assert factor / 2 < found.enlargement < factor * 2


@pytest.mark.parametrize("factor", [2, 3])
def test_repeated_pixels_are_counted(photograph, factor):
    assert measured(photograph).repeated < REPEATED
    part = photograph[:300, :300]
    assert measured(part.repeat(factor, axis=0).repeat(factor, axis=1)).repeated == pytest.approx(
        factor, rel=0.05
    )


def test_a_plain_margin_is_no_enlargement():
    framed = np.full((600, 600, 3), 255, np.uint8)
    framed[20:532, 20:532] = astronaut()
    assert measured(framed).repeated < REPEATED


@pytest.mark.parametrize("level", [0, 90, 128, 255])
@pytest.mark.parametrize("axis", [0, 1])
def test_bars_at_two_facing_sides_are_measured(photograph, axis, level):
    barred = photograph.swapaxes(0, axis).copy()
    width = len(barred) // 10
    barred[:width] = barred[-width:] = level
    assert measured(barred.swapaxes(0, axis)).bars == pytest.approx(0.1, abs=0.02)


def test_one_bar_a_night_sky_and_a_photograph_are_no_bars(photograph):
    assert measured(photograph).bars == 0
    sky = photograph.copy()
    sky[: len(sky) // 5] = 0
    assert measured(sky).bars == 0
    night = np.zeros((400, 400, 3), np.uint8)
    cv2.circle(night, (200, 200), 120, (200, 190, 180), -1)
    assert measured(night).bars == 0


@pytest.mark.parametrize("side_px", [200, 256, 900])
def test_a_smooth_round_subject_before_white_leaves_no_bars(side_px):
    rgb = np.full((side_px, side_px, 3), 255, np.uint8)
    centre, axes = (side_px // 2, int(side_px * 0.7)), (int(side_px * 0.3), int(side_px * 0.45))
    cv2.ellipse(rgb, centre, axes, 0, 0, 360, (110, 110, 110), -1)
    assert measured(cv2.GaussianBlur(rgb, (0, 0), 0.5)).bars == 0


def test_facing_sides_of_two_levels_are_no_bars():
    rgb = astronaut().copy()
    rgb[:50], rgb[-50:] = 40, 200
    assert measured(rgb).bars == 0


def test_a_black_bar_may_run_into_a_dark_part_of_the_picture_a_white_one_may_not():
    rgb = astronaut().copy()
    rgb[:150] = 0
    rgb[150:200, :440] = 0
    rgb[-50:] = 0
    assert measured(rgb).bars == pytest.approx(0.1, abs=0.02)
    rgb[rgb == 0] = 255
    assert measured(rgb).bars == 0


def test_the_grey_of_a_broken_file_is_found_and_a_grey_frame_is_none(photograph):
    broken = photograph.copy()
    broken[len(broken) // 2 :] = 128
    assert measured(broken).grey_fill == pytest.approx(0.5, abs=0.02)
    framed = broken.copy()
    framed[: len(framed) // 10] = 128
    assert measured(framed).grey_fill == measured(photograph).grey_fill == 0


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 400), (3, 5), (15, 15), (16, 17), (40, 31), (64, 64), (200, 37)]
)
@pytest.mark.parametrize("box", [None, (0, 0, 1, 1)])
def test_every_size_can_be_measured(size, box):
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    found = measure(inspected(pixels), box)
    assert (found.height, found.width) == size
    assert np.isfinite([value for value in found if value is not None]).all()
