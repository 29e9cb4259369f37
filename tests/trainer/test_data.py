"""Buckets, captions, regularisation images and batches, as sd-scripts v0.10.1 has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from dataset_tools.errors import UserError
from dataset_tools.pictures.buckets import Buckets
from tests.trainer.conftest import draw_pictures
from wrapper.trainer.data.batches import Sight, count_batches, epoch_batches
from wrapper.trainer.data.buckets import Placement, crop_box, place
from wrapper.trainer.data.captions import vary
from wrapper.trainer.data.config import DatasetConfig, SubsetConfig
from wrapper.trainer.data.pictures import read_pictures
from wrapper.trainer.data.samples import fit, load_sample

SUBSET = SubsetConfig(
    Path("a"), None, False, None, ".txt", 1, False, ",", 0, None, None, 0.0, 0, 0.0, False, False
)
DATASET = DatasetConfig((512, 512), 2, True, 256, 1024, 64, False, (SUBSET,))


def dataset(*subsets: SubsetConfig, **changes: object) -> DatasetConfig:
    return replace(DATASET, **{"resolution": (64, 64), "enable_bucket": False, "subsets": subsets, **changes})


def test_buckets_of_512_are_those_of_sd_scripts():
    sizes = Buckets((512, 512), True, 256, 1024, 64).sizes
    assert sizes == [
        (256, 832), (256, 896), (256, 960), (256, 1024), (320, 704), (320, 768), (384, 640), (448, 576),
        (512, 512), (576, 448), (640, 384), (704, 320), (768, 320), (832, 256), (896, 256), (960, 256),
        (1024, 256),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "changes", "expected"),
    [
        ((512, 512), {}, Placement((512, 512), (512, 512))),
        ((1000, 1500), {}, Placement((384, 640), (427, 640))),
        ((300, 200), {}, Placement((640, 384), (640, 427))),
        ((300, 200), {"bucket_no_upscale": True}, Placement((256, 192), (300, 200))),
        ((1600, 1200), {"bucket_no_upscale": True}, Placement((512, 384), (512, 384))),
        ((640, 480), {"enable_bucket": False}, Placement((512, 512), (683, 512))),
    ],
)
def test_an_image_goes_where_sd_scripts_puts_it(size, changes, expected: Placement):
    assert place(size, replace(DATASET, **changes)) == expected


def test_sdxl_crop_counts_the_cut_off_part_below_zero():
    assert crop_box((512, 512), (1024, 512)) == (0, 128.0, 512.0, 384.0)


def test_image_and_mask_are_cut_together_to_the_pixel():
    height, width = 90, 130
    image = np.zeros((height, width, 3), np.uint8)
    image[20:60, 40:100] = 255
    placement = place((width, height), dataset(SUBSET))
    for crop in (None, (0.3, 0.9)):
        cut = fit(image, placement, crop)
        mask = fit(image[..., 0], placement, crop)
        assert cut.shape == (64, 64, 3)
        assert np.array_equal(cut[..., 0], mask)


def test_flip_mirrors_image_and_mask(pictures: Path):
    subset = replace(SUBSET, image_dir=pictures, conditioning_data_dir=Path(f"{pictures} masks"))
    picture = read_pictures(dataset(subset), need_mask=True).pictures[0]
    plain, flipped = (load_sample(Sight(picture, "", flag, None), need_mask=True) for flag in (False, True))
    assert np.array_equal(plain.image[:, ::-1], flipped.image)
    assert np.array_equal(plain.mask[:, ::-1], flipped.mask)
    assert not np.array_equal(plain.mask, flipped.mask)


@pytest.mark.parametrize(
    ("count", "repeats", "expected"), [(2, 1, [2, 2]), (3, 1, [2, 1, 1]), (6, 1, [1, 1, 1, 1]), (1, 9, [9])]
)
def test_regularisation_images_are_cut_or_repeated(tmp_path: Path, count: int, repeats: int, expected):
    training = draw_pictures(tmp_path / "t", 2)
    regular = draw_pictures(tmp_path / "r", count)
    found = read_pictures(
        dataset(
            replace(SUBSET, image_dir=training, num_repeats=2),
            replace(SUBSET, image_dir=regular, num_repeats=repeats, is_reg=True),
        ),
        need_mask=False,
    )
    assert [picture.repeats for picture in found.pictures if picture.is_reg] == expected


def test_every_problem_of_a_folder_is_told_at_once(tmp_path: Path):
    folder = draw_pictures(tmp_path / "папка", 4)
    names = sorted(path.stem for path in folder.glob("*.png"))
    (folder / f"{names[0]}.txt").unlink()
    (folder / f"{names[1]}.txt").write_text("")
    masks = Path(f"{folder} masks")
    (masks / f"{names[2]}.png").unlink()
    Image.new("L", (20, 20)).save(masks / f"{names[3]}.png")
    Image.new("L", (20, 20)).save(masks / "stranger.png")
    subset = replace(SUBSET, image_dir=folder, conditioning_data_dir=masks)
    with pytest.raises(UserError) as caught:
        read_pictures(dataset(subset), need_mask=True)
    for part in ("no caption file", "is empty", "no mask", "is 20x20", "belongs to no image"):
        assert part in caught.value.message


def test_class_tokens_stand_in_for_captions_and_the_log_says_so(pictures: Path):
    for caption in pictures.glob("*.txt"):
        caption.unlink()
    found = read_pictures(
        dataset(replace(SUBSET, image_dir=pictures, class_tokens="person")), need_mask=False
    )
    assert {picture.caption for picture in found.pictures} == {"person"}
    assert "3 images without a caption get 'person'" in found.notes[0]


def test_an_empty_mask_is_refused(pictures: Path):
    masks = Path(f"{pictures} masks")
    for mask in masks.iterdir():
        Image.new("L", (64, 64)).save(mask)
    subset = replace(SUBSET, image_dir=pictures, conditioning_data_dir=masks)
    picture = read_pictures(dataset(subset), need_mask=True).pictures[0]
    with pytest.raises(UserError, match="no white pixel"):
        load_sample(Sight(picture, "", False, None), need_mask=True)


def test_captions_keep_their_first_tags_and_drop_out():
    subset = replace(SUBSET, shuffle_caption=True, keep_tokens=1, caption_prefix="zorn")
    seen = {vary("a, b, c, d", subset, 1, Random(seed)) for seed in range(20)}
    assert all(caption.startswith("zorn a, ") for caption in seen)
    assert len(seen) > 3
    assert vary("a", replace(SUBSET, caption_dropout_rate=1.0), 1, Random(0)) == ""
    every = replace(SUBSET, caption_dropout_every_n_epochs=2)
    assert [vary("a", every, epoch, Random(0)) for epoch in (1, 2, 3, 4)] == ["a", "", "a", ""]
    assert vary("a, b", replace(SUBSET, caption_tag_dropout_rate=1.0, keep_tokens=1), 1, Random(0)) == "a"


def test_batches_are_of_one_bucket_and_a_function_of_seed_and_epoch(tmp_path: Path):
    wide = draw_pictures(tmp_path / "wide", 3, (128, 64))
    square = draw_pictures(tmp_path / "square", 2, (64, 64))
    config = dataset(
        replace(SUBSET, image_dir=wide, num_repeats=3),
        replace(SUBSET, image_dir=square),
        enable_bucket=True,
        min_bucket_reso=32,
        max_bucket_reso=128,
        bucket_reso_steps=32,
    )
    sets = [read_pictures(config, need_mask=False)]
    batches = epoch_batches(sets, 7, 0)
    assert count_batches(sets) == len(batches) == 5 + 1
    assert all(len({sight.picture.placement.bucket for sight in batch}) == 1 for batch in batches)
    assert sum(len(batch) for batch in batches) == 11
    assert batches == epoch_batches(sets, 7, 0)
    assert batches != epoch_batches(sets, 7, 1)
