"""Other masks than the drawn one: known answers on small pictures, and the same seed the same pixels."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from dataset_tools.pictures.mask_variants import (
    AS_DRAWN,
    UNCHANGED,
    MaskChange,
    Variant,
    choose,
    grow,
    move,
    pool,
    random_mask,
    vary,
)


def square(left: int = 10, top: int = 12, side: int = 6, size: int = 40) -> np.ndarray:
    mask = np.zeros((size, size + 8), np.uint8)
    mask[top : top + side, left : left + side] = 255
    return mask


@pytest.fixture(params=range(12))
def random(request) -> Random:
    return Random(request.param)


def test_a_moved_mask_keeps_its_shape_and_stays_within_reach(random: Random):
    mask = square()
    moved = move(mask, 5, random)
    rows, columns = np.nonzero(moved)
    assert moved.sum() == mask.sum()
    assert abs(rows.min() - 12) <= 5
    assert abs(columns.min() - 10) <= 5


def test_a_mask_at_the_edge_is_not_moved_out_of_the_picture(random: Random):
    mask = square(left=0, top=34)
    assert move(mask, 30, random).sum() == mask.sum()


def test_moves_differ():
    places = {tuple(np.argwhere(move(square(), 5, Random(seed)))[0]) for seed in range(40)}
    assert len(places) > 20


def test_a_point_grows_to_a_disc():
    point = np.zeros((7, 7), np.uint8)
    point[3, 3] = 200
    disc = ["0000000", "0001000", "0011100", "0111110", "0011100", "0001000", "0000000"]
    assert ["".join("1" if value == 200 else "0" for value in row) for row in grow(point, 2)] == disc


def test_a_random_mask_has_white_and_black(random: Random):
    share = (random_mask((64, 48), random) == 255).mean()
    assert 0 < share < 0.9


def test_the_same_seed_gives_the_same_mask_and_another_one_does_not():
    change = MaskChange(jitter_px=8, dilate_px=4)
    one, same, other = (vary(square(), change, Variant("own", seed)) for seed in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()


def test_two_masks_do_not_move_together():
    change = MaskChange(jitter_px=8)
    starts = [
        np.argwhere(vary(square(left=left), change, Variant("own", 1)))[0] - (12, left)
        for left in range(10, 30)
    ]
    assert len({tuple(start) for start in starts}) > 5


def test_full_and_unchanged():
    assert (vary(square(), UNCHANGED, Variant("full")) == 255).all()
    assert (vary(square(), UNCHANGED, AS_DRAWN) == square()).all()


def test_shares_are_kept_whatever_the_pool_holds():
    change = MaskChange(jitter_px=2, full_share=0.2, random_share=0.3, variants=2)
    random = Random(0)
    kinds = [choose(change, random, pooled=True).kind for _ in range(4000)]
    assert kinds.count("full") / 4000 == pytest.approx(0.2, abs=0.03)
    assert kinds.count("random") / 4000 == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(
    "change",
    [
        UNCHANGED,
        MaskChange(jitter_px=2),
        MaskChange(full_share=1.0),
        MaskChange(full_share=0.5),
        MaskChange(dilate_px=1, random_share=0.5, full_share=0.25, variants=3),
    ],
    ids=str,
)
def test_the_pool_holds_exactly_what_can_be_chosen(change: MaskChange):
    random = Random(1)
    assert {choose(change, random, pooled=True) for _ in range(500)} == set(pool(change))


def test_without_a_pool_masks_hardly_ever_repeat():
    random = Random(2)
    assert len({choose(MaskChange(jitter_px=1), random, pooled=False) for _ in range(100)}) == 100
