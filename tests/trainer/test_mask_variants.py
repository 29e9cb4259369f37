"""The embedded trainer's masks vary as they are told to, cached and not."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.pictures.mask_variants import MaskChange
from wrapper.trainer.data.batches import epoch_batches, every_sight
from wrapper.trainer.data.samples import load_sample
from wrapper.trainer.prepare import prepare

VARY = {"mask_jitter_px": 4, "mask_dilate_px": 2, "full_mask_share": 0.25, "mask_variants": 3}


def masks_of(job, epochs: int) -> set[bytes]:
    sights = [
        sight
        for epoch in range(epochs)
        for batch in epoch_batches(job.sets, 1, epoch)
        for sight in batch
        if sight.picture is job.sets[0].pictures[0]
    ]
    return {load_sample(sight, need_mask=True).mask.tobytes() for sight in sights}


@pytest.fixture
def job(make_settings):
    return lambda **values: prepare(
        make_settings("train_network_inpaint", **{"cache_latents": False, **values})
    )


def test_masks_stay_as_they_are_unless_told_otherwise(job):
    assert len(masks_of(job(), 6)) == 1


def test_masks_vary_freely_without_a_cache_and_within_a_pool_with_one(job):
    free, pooled = job(**VARY), job(**VARY, cache_latents=True)
    assert len(masks_of(free, 8)) > 4
    assert len(masks_of(pooled, 8)) <= 4


def test_every_sight_that_training_can_meet_is_cached(job):
    pooled = job(**VARY, cache_latents=True)
    cached = {(s.picture.image, s.flipped, s.variant) for sights in every_sight(pooled.sets) for s in sights}
    seen = {
        (s.picture.image, s.flipped, s.variant)
        for epoch in range(10)
        for batch in epoch_batches(pooled.sets, 1, epoch)
        for s in batch
    }
    assert seen <= cached
    assert len(cached) == 3 * 4


def test_the_settings_arrive(job):
    assert job(**VARY).sets[0].change == MaskChange(4, 2, 0.25, 0.0, 3)


def test_a_full_mask_hides_everything(job):
    found = job(full_mask_share=1.0)
    assert masks_of(found, 1) == {np.full((64, 64), 255, np.uint8).tobytes()}


def test_masks_that_nothing_reads_cannot_vary(make_settings):
    with pytest.raises(UserError, match="nothing reads them"):
        prepare(make_settings("train_network", mask_jitter_px=3))


def test_shares_over_one_are_refused(job):
    with pytest.raises(UserError, match="over 1"):
        job(full_mask_share=0.7, random_mask_share=0.6)
