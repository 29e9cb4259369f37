"""Which pictures meet in which batch: a pure function of the seed and the epoch.

So a resumed run sees the data in the same order without a saved random state.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from dataset_tools.pictures.mask_variants import AS_DRAWN, UNCHANGED, MaskChange, Variant, choose, pool
from wrapper.trainer.data.buckets import Size
from wrapper.trainer.data.captions import vary
from wrapper.trainer.data.pictures import Picture, PictureSet


@dataclass(frozen=True)
class Sight:
    """One picture as it is seen once. ``crop``: where a random crop starts (shares), None for the centre.

    Its mask is the ``variant`` of what ``change`` makes of the drawn one.
    """

    picture: Picture
    caption: str
    flipped: bool
    crop: tuple[float, float] | None
    change: MaskChange = UNCHANGED
    variant: Variant = AS_DRAWN


Batch = tuple[Sight, ...]


def mix(*parts: object) -> int:
    """A 63-bit seed made of ``parts``: ``mix(seed, "noise", 12)``."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def count_batches(sets: Sequence[PictureSet]) -> int:
    """Batches an epoch."""
    return sum(
        math.ceil(sum(picture.repeats for picture in bucket) / pictures.config.batch_size)
        for pictures in sets
        for bucket in _buckets(pictures).values()
    )


def count_steps(sets: Sequence[PictureSet], accumulation: int) -> int:
    """Optimizer steps an epoch: batches over ``gradient_accumulation_steps``, rounded up."""
    return math.ceil(count_batches(sets) / accumulation)


def epoch_batches(sets: Sequence[PictureSet], seed: int, epoch: int) -> list[Batch]:
    """The batches of ``epoch`` (counted from 0) in their order; each comes from one bucket of one dataset."""
    random = Random(mix(seed, "order", epoch))
    batches: list[Batch] = []
    for pictures in sets:
        for bucket in _buckets(pictures).values():
            repeated = [picture for picture in bucket for _ in range(picture.repeats)]
            random.shuffle(repeated)
            size = pictures.config.batch_size
            batches += [
                tuple(_see(picture, pictures, epoch, random) for picture in repeated[start : start + size])
                for start in range(0, len(repeated), size)
            ]
    random.shuffle(batches)
    return batches


def every_sight(sets: Sequence[PictureSet]) -> list[list[Sight]]:
    """Every way to see a picture without a random crop, by dataset and bucket: with each mask, mirrored."""
    return [
        [
            Sight(picture, picture.caption, flipped, None, pictures.change, variant)
            for picture in bucket
            for flipped in ((False, True) if picture.subset.flip_aug else (False,))
            for variant in (pool(pictures.change) if picture.mask else (AS_DRAWN,))
        ]
        for pictures in sets
        for bucket in _buckets(pictures).values()
    ]


def first_sights(sets: Sequence[PictureSet]) -> list[Sight]:
    """Training pictures as they are, regularisation images left out."""
    return [
        Sight(picture, picture.caption, False, None)
        for pictures in sets
        for picture in pictures.pictures
        if not picture.is_reg
    ]


def _buckets(pictures: PictureSet) -> dict[Size, list[Picture]]:
    buckets: dict[Size, list[Picture]] = {}
    for picture in pictures.pictures:
        buckets.setdefault(picture.placement.bucket, []).append(picture)
    return dict(sorted(buckets.items()))


def _see(picture: Picture, pictures: PictureSet, epoch: int, random: Random) -> Sight:
    subset = picture.subset
    return Sight(
        picture,
        vary(picture.caption, subset, epoch + 1, random),
        subset.flip_aug and random.random() < 0.5,
        (random.random(), random.random()) if subset.random_crop else None,
        pictures.change,
        choose(pictures.change, random, pooled=pictures.pooled) if picture.mask else AS_DRAWN,
    )
