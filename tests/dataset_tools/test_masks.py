"""Masks: boxes, checks that name both sizes, synthetic ears, SAM with a tiny random model."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.pictures import masks
from dataset_tools.pictures.masks import check_mask, dilated, mask_box, synthetic_mask
from dataset_tools.pictures.sam import load_sam, sam_mask
from tests.sam_models import make_tiny_sam


def test_the_box_holds_the_white_part():
    mask = np.zeros((20, 30), np.uint8)
    mask[4:9, 11:17] = 255
    mask[0, 0] = 127
    assert mask_box(mask) == (11, 4, 17, 9)
    assert mask_box(np.zeros((20, 30), np.uint8)) is None


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.full((20, 31), 255, np.uint8), "31 × 20 pixels and its image is 30 × 20"),
        (np.zeros((20, 30), np.uint8), "empty"),
        (np.full((20, 30), 255, np.uint8), "white all over"),
    ],
    ids=["other size", "empty", "white"],
)
def test_an_unusable_mask_is_a_problem_that_names_the_file(mask, words):
    (problem,) = check_mask(mask, (20, 30), "уши/ear 'é'.png").problems
    assert problem.startswith("уши/ear 'é'.png: ")
    assert words in problem


def test_a_doubtful_mask_is_a_warning():
    inverted = np.full((40, 40), 255, np.uint8)
    inverted[10:20, 10:20] = 0
    warnings = " ".join(check_mask(inverted, (40, 40), "m").warnings)
    assert "inverted" in warnings
    assert "border" in warnings
    speck = np.zeros((40, 40), np.uint8)
    speck[5, 5] = 255
    assert "1 pixels" in " ".join(check_mask(speck, (40, 40), "m").warnings)


def test_a_good_mask_is_fine():
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 10:20] = 255
    found = check_mask(mask, (40, 40), "m")
    assert (found.problems, found.warnings) == ((), ())


BOX = (60, 40, 100, 120)


@pytest.mark.parametrize("seed", range(6))
def test_a_synthetic_mask_covers_the_ear_and_little_more(seed: int):
    mask = synthetic_mask((200, 180), BOX, seed)
    ellipse = ((np.indices((200, 180))[1] - 80) / 17) ** 2 + ((np.indices((200, 180))[0] - 80) / 36) ** 2 < 1
    assert (mask[ellipse] >= 128).mean() > 0.99
    x0, y0, x1, y1 = mask_box(mask)
    assert x0 >= 60 - 24
    assert x1 <= 100 + 24
    assert y0 >= 40 - 20
    assert y1 <= 120 + 20


def test_a_synthetic_mask_is_soft_and_ear_shaped():
    mask = synthetic_mask((200, 180), BOX, 3, tilt_deg=0.0)
    assert 0 < ((mask > 0) & (mask < 255)).sum() < (mask == 255).sum()
    widths = (mask >= 128).sum(axis=1)
    assert widths[55] > widths[105]


def test_a_seed_gives_the_same_mask_and_another_seed_another():
    assert np.array_equal(synthetic_mask((200, 180), BOX, 1), synthetic_mask((200, 180), BOX, 1))
    assert not np.array_equal(synthetic_mask((200, 180), BOX, 1), synthetic_mask((200, 180), BOX, 2))


def test_a_synthetic_mask_is_drawn_in_bands_as_it_would_be_at_once(monkeypatch: pytest.MonkeyPatch):
    at_once = synthetic_mask((200, 180), BOX, 1)
    monkeypatch.setattr(masks, "ROWS_AT_ONCE", 7)
    assert np.array_equal(synthetic_mask((200, 180), BOX, 1), at_once)


def test_a_synthetic_mask_takes_the_memory_of_its_ear_and_not_of_the_photograph():
    tracemalloc.start()
    try:
        mask = synthetic_mask((3000, 4000), (1500, 1200, 1900, 1800), 1)
        assert tracemalloc.get_traced_memory()[1] < 3 * mask.nbytes
    finally:
        tracemalloc.stop()


def test_of_an_ear_beyond_the_picture_nothing_is_drawn():
    assert not synthetic_mask((100, 100), (300, 300, 320, 330), 1).any()


def test_a_synthetic_mask_at_the_border_is_cut_off():
    assert synthetic_mask((100, 100), (0, 0, 20, 30), 1).shape == (100, 100)


def test_dilation_grows_by_its_pixels():
    mask = np.zeros((41, 41), np.uint8)
    mask[20, 20] = 255
    assert mask_box(dilated(mask, 3)) == (17, 17, 24, 24)
    assert dilated(mask, 0) is mask


@pytest.fixture(scope="module")
def sam_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_sam(tmp_path_factory.mktemp("sam model"))


@pytest.mark.parametrize(
    ("points", "box"),
    [([(30, 20)], None), ([], (10, 10, 40, 30)), ([(30, 20)], (10, 10, 40, 30))],
    ids=["point", "box", "both"],
)
def test_sam_gives_a_mask_of_the_pictures_size(sam_folder: Path, points, box):
    rgb = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
    mask = sam_mask(rgb, points, box, sam_folder)
    assert mask.shape == (48, 80)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 255}


def test_negative_points_are_labelled_as_such(sam_folder: Path, monkeypatch):
    network, processor = load_sam(str(sam_folder))
    seen = {}

    def spy(**inputs):
        seen.update(inputs)
        return network(**inputs)

    monkeypatch.setattr("dataset_tools.pictures.sam.load_sam", lambda _: (spy, processor))
    sam_mask(np.zeros((64, 64, 3), np.uint8), [(30, 20)], None, sam_folder, [(60, 40), (1, 2)])
    assert seen["input_points"].tolist() == [[[[30, 20], [60, 40], [1, 2]]]]
    assert seen["input_labels"].tolist() == [[[1, 0, 0]]]


def test_sam_without_a_prompt_or_a_model_is_one_sentence(sam_folder: Path, tmp_path: Path):
    rgb = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(UserError, match="needs a point or an ear_box"):
        sam_mask(rgb, [], None, sam_folder)
    with pytest.raises(UserError, match="not a folder with a SAM model"):
        sam_mask(rgb, [(1, 1)], None, tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "sam"}')
    with pytest.raises(UserError, match="does not load as SAM"):
        load_sam(str(tmp_path))
