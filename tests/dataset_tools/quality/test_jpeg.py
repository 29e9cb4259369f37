"""What JPEG did to real photographs, when the header is there and when only the pixels are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from dataset_tools.pictures.inspected import decode_to_inspect
from dataset_tools.quality.measure import measure
from dataset_tools.quality.measures.block_grid import Grid, block_grid
from dataset_tools.quality.measures.jpeg import hidden_quality, table_quality
from dataset_tools.quality.measures.profiles import colour_profile, profiles, spectra
from tests.dataset_tools.spoiled import astronaut, inspected, jpeg_bytes, jpeged, photographs

PHOTOGRAPHS = photographs()
CLEAN = ("astronaut", "camera", "cat")
"""Those that bear no trace of an older JPEG."""
NOT_RESIZED, RESIZED = 0.6, 1.0


@pytest.fixture(params=PHOTOGRAPHS)
def photograph(request: pytest.FixtureRequest) -> np.ndarray:
    return PHOTOGRAPHS[request.param]


def luma(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)


def grid_of(rgb: np.ndarray) -> Grid:
    across, down = profiles(luma(rgb))
    return block_grid(across, down, spectra(across, down), spectra(colour_profile(rgb)))


def quality_in_the_pixels(rgb: np.ndarray) -> int | None:
    return hidden_quality(np.ascontiguousarray(rgb), [(0, 0), *grid_of(rgb).phases])


@pytest.mark.parametrize("quality", [1, 10, 25, 50, 75, 90, 100])
def test_the_quality_is_read_from_the_tables(tmp_path, quality):
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(astronaut(), quality))
    assert table_quality(decode_to_inspect(tmp_path / "a.jpg").quantisation) == quality
    assert table_quality({}) is None


@pytest.mark.parametrize("quality", [10, 25, 50, 75, 88])
def test_the_quality_is_found_in_pixels_that_lost_the_header(photograph, quality):
    left = jpeged(photograph, quality)
    assert quality_in_the_pixels(left) == pytest.approx(quality, abs=3)
    assert quality_in_the_pixels(left[5:, 3:]) == pytest.approx(quality, abs=3)


@pytest.mark.parametrize("quality", [12, 40, 70])
def test_the_first_saving_is_found_under_a_better_second_one(photograph, quality):
    assert quality_in_the_pixels(jpeged(jpeged(photograph, quality), 95)) == pytest.approx(quality, abs=3)


@pytest.mark.parametrize("name", CLEAN)
def test_a_photograph_that_was_no_jpeg_has_no_quality(name):
    assert quality_in_the_pixels(PHOTOGRAPHS[name]) is None
    assert quality_in_the_pixels(cv2.GaussianBlur(PHOTOGRAPHS[name], (0, 0), 2)) is None


@pytest.mark.parametrize("level", [0, 7, 128, 255])
def test_a_plain_picture_has_no_quality(level):
    assert quality_in_the_pixels(np.full((256, 256, 3), level, np.uint8)) is None


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 0), (3, 5), (7, 7)])
def test_the_grid_is_found_at_every_offset(photograph, row, column):
    found = grid_of(jpeged(photograph, 50)[row:, column:])
    assert found.phases[0] == (-row % 8, -column % 8)


def test_blocks_stand_out_more_at_lower_quality(photograph):
    fine, coarse = (grid_of(jpeged(photograph, quality)).strength for quality in (90, 20))
    assert coarse > fine + 0.1


@pytest.mark.parametrize("factor", [0.65, 0.8, 1.5])
def test_blocks_that_were_resized_leave_a_comb(factor):
    def seen(rgb: np.ndarray) -> float:
        return grid_of(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)).resized

    assert seen(astronaut()) < NOT_RESIZED < RESIZED < seen(jpeged(astronaut(), 20))


def grass_in_colour() -> np.ndarray:
    """A texture that hides blocks, in the colours of a photograph."""
    colours = astronaut().astype(np.int16) - luma(astronaut())[..., None]
    return np.clip(data.grass()[..., None] + colours, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("factor", [0.65, 0.8])
def test_blocks_that_a_texture_hides_are_found_in_the_colours(factor):
    def seen(rgb: np.ndarray) -> float:
        return grid_of(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)).resized

    left = jpeged(grass_in_colour(), 45)
    assert seen(grass_in_colour()) < NOT_RESIZED
    assert seen(np.dstack([luma(left)] * 3)) < NOT_RESIZED, "the luma alone tells"
    assert seen(left) > RESIZED


def test_a_tiny_picture_has_neither_grid_nor_quality():
    tiny = np.random.default_rng(0).integers(0, 255, (9, 7, 3)).astype(np.uint8)
    assert measure(inspected(tiny)).blockiness == 0
    assert hidden_quality(tiny, [(0, 0)]) is None


def test_a_quality_hidden_in_the_few_blocks_without_a_clipped_pixel_is_found():
    page = np.full((1024, 1024, 3), 255, np.uint8)
    page[400:560, 400:560] = astronaut()[100:260, 150:310]
    assert hidden_quality(jpeged(page, 30), [(0, 0)]) == 30
