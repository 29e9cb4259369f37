"""Measures against known answers, on real photographs degraded by known amounts."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.pictures.images import decode
from dataset_tools.quality.duplicates import find_duplicates, fingerprint
from dataset_tools.quality.measure import measure
from dataset_tools.quality.measures.enlarged import enlargement
from dataset_tools.quality.measures.exposure import colour_range, exposure
from dataset_tools.quality.measures.jpeg import blockiness, table_quality
from dataset_tools.quality.measures.moire import moire_peak
from dataset_tools.quality.measures.noise import noise_sigma
from dataset_tools.quality.measures.sharpness import WIDEST_PX, edge_blur
from tests.dataset_tools.spoiled import (
    astronaut,
    blurred,
    decoded,
    jpeg_bytes,
    jpeged,
    moved,
    noisy,
    photographs,
    relit,
    rippled,
)

PHOTOGRAPHS = photographs()


def luma(rgb: np.ndarray) -> np.ndarray:
    return (rgb.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])).astype(np.float32)


@pytest.fixture(params=PHOTOGRAPHS)
def photograph(request: pytest.FixtureRequest) -> np.ndarray:
    return PHOTOGRAPHS[request.param]


# Sharpness


@pytest.mark.parametrize("width_px", [1.0, 2.0, 3.0])
def test_the_width_of_a_blurred_step_is_its_sigma(width_px):
    step = np.zeros((128, 128), np.float32)
    step[:, 64:], step[64:] = 200, step[64:] + 50
    found = edge_blur(luma(blurred(np.dstack([step] * 3), width_px)), noise=0.0)
    assert found.width_px == pytest.approx(width_px, rel=0.15)


def test_a_photograph_is_sharp_and_softer_the_more_it_is_blurred(photograph):
    widths = [
        edge_blur(luma(blurred(photograph, s) if s else photograph), 0.0).width_px for s in (0, 1, 2, 3, 5)
    ]
    assert widths == sorted(widths)
    assert widths[0] < 0.3
    assert widths[2] > 0.8
    assert widths[4] > 2.5


def test_noise_does_not_make_a_blurred_photograph_sharp(photograph):
    soft = noisy(blurred(photograph, 2), 15)
    sharp = noisy(photograph, 15)
    assert measure(decoded(soft)).blur_px > 0.9
    assert measure(decoded(sharp)).blur_px < 0.5
    assert measure(decoded(soft)).laplacian_variance > measure(decoded(photograph)).laplacian_variance


def test_a_soft_background_is_no_fault_and_a_soft_subject_in_front_of_a_sharp_one_is():
    subject = (150, 0, 360, 400)
    inside = np.zeros((512, 512, 1), bool)
    inside[subject[1] : subject[3], subject[0] : subject[2]] = True
    portrait = np.where(inside, astronaut(), blurred(astronaut(), 5))
    missed = np.where(inside, blurred(astronaut(), 3), astronaut())
    assert measure(decoded(portrait)).blur_px < 0.5
    assert measure(decoded(portrait), subject).blur_px < 0.5
    assert measure(decoded(missed), (200, 60, 310, 250)).blur_px > 1.1


def test_a_picture_that_was_moved_is_soft_in_one_direction(photograph):
    assert edge_blur(luma(photograph), 0.0).motion_px < 0.3
    assert edge_blur(luma(moved(photograph, 15)), 0.0).motion_px > 0.9


def test_a_picture_without_any_edge_is_as_soft_as_can_be():
    slope = np.tile(np.linspace(0, 255, 512, dtype=np.float32), (512, 1))
    assert edge_blur(slope, 0.0).width_px == WIDEST_PX


def test_a_large_picture_is_judged_at_the_size_of_training():
    import cv2

    large = cv2.resize(astronaut(), (2048, 2048), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    assert measure(decoded(large)).blur_px == pytest.approx(measure(decoded(small)).blur_px, abs=0.1)


# Noise


@pytest.mark.parametrize("sigma", [5.0, 10.0, 20.0])
def test_noise_is_measured_within_a_tenth(photograph, sigma):
    assert noise_sigma(noisy(photograph, sigma)) == pytest.approx(sigma, rel=0.12)


def test_a_photograph_has_little_noise(photograph):
    assert noise_sigma(photograph) < 3


def test_noise_on_a_white_ground_is_found_although_half_of_it_is_clipped():
    ground = np.full((256, 256, 3), 255, np.uint8)
    assert noise_sigma(noisy(ground, 20)) > 8


def test_a_flat_and_a_tiny_picture_have_no_noise():
    assert noise_sigma(np.full((64, 64, 3), 90, np.uint8)) == 0
    assert noise_sigma(np.zeros((5, 5, 3), np.uint8)) == 0


# JPEG


@pytest.mark.parametrize("quality", [1, 10, 25, 50, 75, 90, 100])
def test_the_quality_is_read_from_the_tables(tmp_path, quality):
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(astronaut(), quality))
    assert table_quality(decode(tmp_path / "a.jpg").quantisation) == quality
    assert table_quality({}) is None


def test_blocks_show_in_the_pixels_and_more_so_at_lower_quality(photograph):
    found = [blockiness(luma(jpeged(photograph, quality))) for quality in (90, 40, 10)]
    assert found == sorted(found)
    assert found[2] > 0.6
    assert blockiness(luma(photograph)) < 0.15


def test_blocks_are_found_when_the_picture_was_cropped_off_their_grid():
    cropped = jpeged(astronaut(), 10)[3:, 5:]
    assert blockiness(luma(cropped)) > 0.6


# Moiré, light, content, enlargement


def test_a_fine_regular_pattern_stands_out(photograph):
    assert moire_peak(luma(photograph)) < 0.8
    assert moire_peak(luma(rippled(photograph, 8, 3))) > 1.3


def test_light(photograph):
    usual = exposure(luma(photograph))
    assert exposure(luma(relit(photograph, 0.15, 0))).dark > max(0.8, usual.dark)
    assert exposure(luma(relit(photograph, 0.3, 185))).light > max(0.7, usual.light)
    assert exposure(luma(relit(photograph, 0.1, 110))).contrast > max(0.85, usual.contrast)
    assert max(usual.dark, usual.light, usual.contrast) < 0.6


def test_a_white_ground_around_a_subject_is_not_blown_out():
    framed = np.full((1024, 1024, 3), 255, np.uint8)
    framed[256:768, 256:768] = astronaut()
    found = exposure(luma(framed))
    assert found.light < 0.3
    assert found.contrast < 0.3


def test_a_blank_frame_has_no_range_even_with_noise(photograph):
    blank = noisy(np.full((512, 512, 3), 120, np.uint8), 15)
    assert measure(decoded(blank)).colour_range < 10
    assert colour_range(photograph) > 60


@pytest.mark.parametrize("factor", [2, 3])
def test_repeated_pixels_are_an_enlargement(photograph, factor):
    assert enlargement(photograph) < 1.1
    assert enlargement(photograph.repeat(factor, axis=0).repeat(factor, axis=1)) == pytest.approx(
        factor, rel=0.05
    )


def test_a_plain_margin_is_no_enlargement():
    framed = np.full((600, 600, 3), 255, np.uint8)
    framed[20:532, 20:532] = astronaut()
    assert enlargement(framed) < 1.1


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (3, 5), (15, 15), (16, 17), (40, 31)])
@pytest.mark.parametrize("box", [None, (0, 0, 1, 1)])
def test_every_size_can_be_measured(size, box):
    found = measure(decoded(np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)), box)
    assert (found.height, found.width) == size
    assert np.isfinite([value for value in found if value is not None]).all()


# Duplicates


def copies(rgb: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "mirrored": rgb[:, ::-1],
        "turned": np.rot90(rgb),
        "upside down and mirrored": rgb[::-1],
        "smaller": rgb[::2, ::2],
        "re-lit": relit(rgb, 0.8, 10),
        "saved again": jpeged(rgb, 60),
    }


@pytest.mark.parametrize("kind", copies(astronaut()))
def test_an_alike_copy_is_found_beside_others(kind):
    others = [p for name, p in PHOTOGRAPHS.items() if name != "astronaut"]
    pictures = [*others, astronaut(), np.ascontiguousarray(copies(astronaut())[kind])]
    found = find_duplicates([fingerprint(p) for p in pictures], 0.97)
    assert list(found) == [len(pictures) - 1]
    match = found[len(pictures) - 1]
    assert match.original == len(others)
    assert not match.equal


def test_equal_pixels_are_equal_and_the_first_is_the_original():
    prints = [None, *(fingerprint(p) for p in (astronaut(), PHOTOGRAPHS["cat"], astronaut(), astronaut()))]
    found = find_duplicates(prints, None)
    assert {index: (match.original, match.equal) for index, match in found.items()} == {
        3: (1, True),
        4: (1, True),
    }


def test_two_photographs_of_one_scene_are_not_the_same():
    from pathlib import Path

    import skimage.data

    folder = Path(skimage.data.__file__).parent
    pair = [decode(folder / f"motorcycle_{side}.png").rgb for side in ("left", "right")]
    assert find_duplicates([fingerprint(p) for p in pair], 0.9) == {}


def test_blank_pictures_of_different_colours_are_not_alike():
    blank = [np.full((40, 40, 3), value, np.uint8) for value in (0, 100, 255)]
    assert find_duplicates([fingerprint(p) for p in blank], 0.98) == {}
