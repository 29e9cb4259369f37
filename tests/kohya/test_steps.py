"""Buckets and steps, against figures that sd-scripts v0.10.1's own classes gave for the same images."""

from __future__ import annotations

import pytest

from dataset_tools.pictures.buckets import Buckets
from wrapper.kohya.steps import DatasetUse, ImageUse, count_steps, with_regularisation

ONE = Buckets((512, 512))


def images(*repeats: int, is_reg: bool = False) -> list[ImageUse]:
    return [ImageUse((512, 512), count, is_reg) for count in repeats]


@pytest.mark.parametrize(
    ("buckets", "size", "chosen"),
    [
        (Buckets((512, 512)), (2000, 100), (512, 512)),
        (Buckets((512, 512), True), (512, 512), (512, 512)),
        (Buckets((512, 512), True), (1000, 2000), (320, 704)),
        (Buckets((512, 512), True), (2000, 1000), (704, 320)),
        (Buckets((512, 512), True, 256, 1024, 64, True), (300, 200), (256, 192)),
        (Buckets((512, 512), True, 256, 1024, 64, True), (1000, 2000), (320, 640)),
        (Buckets((1024, 768), True, 200, 1000, 64), (900, 900), (832, 832)),
    ],
)
def test_an_image_goes_to_the_bucket_of_sd_scripts(buckets, size, chosen):
    assert buckets.choose(size) == chosen


@pytest.mark.parametrize(
    ("train", "reg", "uses"),
    [
        ((2, 2, 2), (1, 1), 6),
        ((1,), (5, 5), 5),
        ((3,), (1, 1, 1, 1, 1), 3),
        ((4, 3), (2,), 7),
        ((1, 1), (), 0),
    ],
    ids=["repeated", "first is enough", "cut", "one repeated", "none"],
)
def test_regularisation_images_are_cut_or_repeated_to_the_others(train, reg, uses):
    used = with_regularisation([*images(*train), *images(*reg, is_reg=True)])
    assert sum(image.repeats for image in used if image.is_reg) == uses


def test_steps_count_batches_accumulation_and_epochs():
    found = count_steps([DatasetUse(images(3, 3, 1), ONE, batch_size=2)], 10, accumulation=2)
    assert (found.uses, found.batches_per_epoch, found.steps_per_epoch, found.epochs) == (7, 4, 2, 5)


def test_epochs_beat_steps():
    found = count_steps([DatasetUse(images(10), ONE, batch_size=4)], 1600, max_train_epochs=5)
    assert found.steps == 15


def test_every_bucket_ends_with_a_batch_of_its_own():
    mixed = [ImageUse((512, 512), 3), ImageUse((1000, 2000), 3)]
    found = count_steps([DatasetUse(mixed, Buckets((512, 512), True), batch_size=2)], 8)
    assert found.batches_per_epoch == 4
    assert found.buckets == {"320x704": 3, "512x512": 3}


def test_several_processes_share_the_batches():
    assert count_steps([DatasetUse(images(10), ONE)], 10, processes=4).steps_per_epoch == 3


def test_regularisation_images_in_a_dataset_of_their_own_are_not_used():
    alone = [DatasetUse(images(4), ONE), DatasetUse(images(4, is_reg=True), ONE)]
    assert count_steps(alone, 8).reg_uses == 0


def test_no_images_are_no_steps():
    assert count_steps([], 100).steps == 0
