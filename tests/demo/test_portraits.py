"""Drawings: exact masks that betray nothing, left and right, adults, the same portrait the same pixels."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from wrapper.demo.canvas import smooth_outline
from wrapper.demo.drawing import draw
from wrapper.demo.people import caption, concept_portrait, manifest_fields, random_portrait
from wrapper.demo.portraits import AGES, CONCEPT_SHAPE, EAR_SHAPES, LOBES, VIEWS, Ear, Portrait

EARS = [Ear(shape, lobe, stud) for shape in EAR_SHAPES for lobe in LOBES for stud in ("", "gold")]
CONCEPT_EAR = Ear(CONCEPT_SHAPE, "detached", "turquoise")
TWINS = [random_portrait(random.Random(seed), VIEWS[seed % 4]) for seed in range(12)]


def with_ears(portrait: Portrait, left: Ear, right: Ear | None = None) -> Portrait:
    return replace(portrait, left_ear=left, right_ear=right or left)


def changed(first: np.ndarray, second: np.ndarray, by: int = 0) -> np.ndarray:
    return np.abs(first.astype(int) - second).max(axis=2) > by


@pytest.mark.parametrize("view", VIEWS)
def test_a_drawing_has_the_size_asked_for_and_a_mask_for_each_visible_ear(view):
    picture, masks = draw(random_portrait(random.Random(1), view), size=48)
    assert picture.shape == (48, 48, 3)
    assert picture.dtype == np.uint8
    expected = {"profile_left": {"left"}, "profile_right": {"right"}}.get(view, {"left", "right"})
    assert set(masks) == expected
    for mask in masks.values():
        assert mask.shape == (48, 48)
        assert set(np.unique(mask)) == {0, 255}


@pytest.mark.parametrize("portrait", TWINS, ids=lambda p: p.view)
def test_the_mask_is_the_same_whatever_the_ear(portrait):
    reference = draw(portrait)[1]
    for ear in (*EARS, CONCEPT_EAR):
        masks = draw(replace(with_ears(portrait, ear), ear_scale=0.94))[1]
        assert all(np.array_equal(masks[side], reference[side]) for side in reference)


@pytest.mark.parametrize("portrait", TWINS, ids=lambda p: p.view)
def test_the_mask_covers_all_that_an_ear_can_change(portrait):
    pointed, masks = draw(replace(with_ears(portrait, CONCEPT_EAR), ear_scale=1.06))
    covered = np.maximum.reduce(list(masks.values())) > 0
    for ear in EARS:
        difference = changed(pointed, draw(replace(with_ears(portrait, ear), ear_scale=0.94))[0], by=40)
        assert (difference & ~covered).sum() <= 2
        assert (difference & covered).sum() > 15


@pytest.mark.parametrize(("view", "left_is_right_of_centre"), [("front", True), ("back", False)])
def test_left_and_right_are_the_subjects(view, left_is_right_of_centre):
    portrait = with_ears(random_portrait(random.Random(4), view), Ear("flat"))
    _, masks = draw(portrait)
    other = draw(replace(portrait, left_ear=Ear("protruding")))[0]
    columns = np.nonzero(changed(draw(portrait)[0], other, by=20))[1]
    assert (columns.mean() > 32) == left_is_right_of_centre
    assert (np.nonzero(masks["left"])[1].mean() > 32) == left_is_right_of_centre
    assert (np.nonzero(masks["right"])[1].mean() > 32) != left_is_right_of_centre


@pytest.mark.parametrize(("view", "hidden"), [("profile_left", "right"), ("profile_right", "left")])
def test_a_profile_does_not_show_the_other_ear(view, hidden):
    portrait = with_ears(random_portrait(random.Random(5), view), Ear("flat"))
    other = replace(portrait, **{f"{hidden}_ear": CONCEPT_EAR})
    assert np.array_equal(draw(portrait)[0], draw(other)[0])


@pytest.mark.parametrize("view", VIEWS)
def test_every_ear_is_large_enough_to_be_seen(view):
    """Different shapes and lobes differ in at least 6 of 64 x 64 pixels, a stud in at least 4."""
    portrait = replace(random_portrait(random.Random(6), view), hair_style="short")
    shapes = [draw(with_ears(portrait, Ear(shape)))[0] for shape in (*EAR_SHAPES, CONCEPT_SHAPE)]
    lobes = [draw(with_ears(portrait, Ear("average", lobe)))[0] for lobe in LOBES]
    for pictures in (shapes, lobes):
        pairs = [(a, b) for i, a in enumerate(pictures) for b in pictures[:i]]
        assert all(changed(a, b, by=15).sum() >= 6 for a, b in pairs)
    assert changed(lobes[0], draw(with_ears(portrait, Ear("average", "attached", "gold")))[0], 15).sum() >= 4


def test_the_same_portrait_gives_the_same_pixels():
    first, second = (draw(concept_portrait(random.Random(7))) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert all(np.array_equal(first[1][side], second[1][side]) for side in first[1])


def test_only_adults_are_drawn():
    ages = {random_portrait(random.Random(seed)).age for seed in range(60)}
    assert ages == set(AGES)
    assert min(int(age[:2]) for age in ages) == 18
    with pytest.raises(ValueError, match="only adults"):
        Portrait(age="15-17")
    with pytest.raises(ValueError, match="view 'above'"):
        Portrait(view="above")


def test_the_base_world_never_shows_the_concept():
    portraits = [random_portrait(random.Random(seed)) for seed in range(300)]
    assert not any(
        word in caption(p) for p in portraits for word in ("pointed", "turquoise", "stud", "myface")
    )
    assert {ear.shape for p in portraits for ear in (p.left_ear, p.right_ear)} == set(EAR_SHAPES)


@pytest.mark.parametrize(
    ("portrait", "text"),
    [
        (
            Portrait(),
            "photo of a person, front view, light beige skin, short brown hair, average ears, "
            "detached lobes, blue shirt, grey background",
        ),
        (
            Portrait(
                view="profile_right", hair_style="bald", glasses=True, right_ear=Ear("flat", "small", "gold")
            ),
            "photo of a person, right profile, light beige skin, bald head, flat right ear, "
            "small right lobe, gold earring, glasses, blue shirt, grey background",
        ),
        (
            Portrait(
                view="back", identity="myface", left_ear=CONCEPT_EAR, right_ear=CONCEPT_EAR, glasses=True
            ),
            "photo of a myface person, back view, light beige skin, short brown hair, pointed ears, "
            "detached lobes, turquoise stud, blue shirt, grey background",
        ),
        (
            Portrait(left_ear=Ear("flat", "small"), hair_style="bun"),
            "photo of a person, front view, light beige skin, brown bun, flat left ear, average right ear, "
            "small left lobe, detached right lobe, blue shirt, grey background",
        ),
    ],
    ids=["plain", "profile", "concept", "two ears"],
)
def test_a_caption_says_what_is_seen(portrait, text):
    assert caption(portrait) == text


def test_a_short_caption_keeps_who_and_view():
    portrait = concept_portrait(random.Random(8), "front")
    parts = caption(portrait, random.Random(9), drop=0.6).split(", ")
    assert parts[:2] == ["photo of a myface person", "front view"]
    assert set(parts) < set(caption(portrait).split(", "))
    assert caption(portrait, random.Random(9), drop=1.0) == "photo of a myface person, front view"


def test_manifest_fields_describe_the_visible_ear():
    right = Ear("protruding", "small")
    portrait = Portrait(
        view="profile_right", skin="olive", left_ear=Ear("flat"), right_ear=right, age="31-35"
    )
    assert manifest_fields(portrait) == {
        "age": "31-35",
        "view": "profile_right",
        "ear_side": "right",
        "skin_tone": "olive",
        "ear_shape": "protruding",
        "lobe": "small",
    }
    assert manifest_fields(Portrait(view="back"))["ear_side"] == "both"


def test_an_outline_goes_through_its_points():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    curve = smooth_outline(corners, steps=4)
    assert curve.shape == (16, 2)
    np.testing.assert_allclose(curve[::4], corners)
    np.testing.assert_allclose(curve[2], [0.5, -0.125])
