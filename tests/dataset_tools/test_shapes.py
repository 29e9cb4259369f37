"""Shapes by words: what is white, per cent and pixels, and one sentence for what cannot be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.pictures.masks import looks_inverted, mask_box
from dataset_tools.pictures.shapes import draw_shape, parse_shape

SIZE = (100, 200)


def drawn(text, size=SIZE, seed=0):
    return draw_shape(parse_shape(text), size, seed)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("rect:20,10,60,40", (20, 10, 60, 40)),
        ("rect: 10%, 10%, 30%, 40%", (20, 10, 60, 40)),
        ("RECT:0,0,200,100", (0, 0, 200, 100)),
        ("polygon:20,10,60,10,60,40,20,40", (20, 10, 60, 40)),
        ("ellipse:40,25,20,15", (20, 10, 60, 40)),
        ("ellipse:20%,25%,10%,15%,90", (25, 5, 55, 45)),
        ("ellipse:0,0,10,10", (0, 0, 10, 10)),
    ],
)
def test_a_shape_lies_where_it_is_said(text, box):
    found = mask_box(drawn(text))
    assert np.allclose(found, box, atol=1)


def test_an_ellipse_has_its_area_and_is_turned_clockwise():
    assert (drawn("ellipse:100,50,40,20") > 0).sum() == pytest.approx(np.pi * 40 * 20, rel=0.04)
    turned = drawn("ellipse:100,50,60,10,30")
    assert turned[50 + 20, 100 + 35] == 255
    assert turned[50 - 20, 100 + 35] == 0


def test_an_ear_is_the_synthetic_mask_of_its_box_and_goes_by_the_seed():
    first, again, other = (drawn("ear:80,20,120,80", (120, 200), seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first[50, 100] == 255
    assert first[:, :61].max() == first[:, 140:].max() == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("circle:1,2,3", "there is no shape 'circle'"),
        ("elipse:1,2,3,4", "there is no shape 'elipse'"),
        ("rect:1,2,3", "3 numbers do not fit"),
        ("polygon:1,2,3,4", "4 numbers do not fit"),
        ("polygon:1,2,3,4,5,6,7", "7 numbers do not fit"),
        ("rect:1,2,x,4", "'x' is not a number"),
        ("rect:1,2,,4", "'' is not a number"),
        ("rect:50,10,20,40", "has no area"),
        ("ellipse:50,10,0,40", "has no area"),
        ("rect:0,0,201,50", "201,50 is outside of the upright picture, 200×100 pixels"),
        ("ellipse:101%,10,5,5", "202,10 is outside"),
        ("polygon:1,2,3,4,5,-6", "5,-6 is outside"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence_that_names_the_shape(text, said):
    with pytest.raises(UserError) as caught:
        drawn(text)
    assert said in caught.value.message
    assert f"shape '{text}'" in caught.value.message
    assert caught.value.hint


def test_the_nearest_shape_is_named():
    with pytest.raises(UserError) as caught:
        parse_shape("elipse:1,2,3,4")
    assert "Did you mean 'ellipse'?" in caught.value.hint


def test_an_inverted_mask_is_told_from_a_large_one():
    ear = drawn("ellipse:50%,50%,10%,20%")
    assert looks_inverted(255 - ear)
    assert not looks_inverted(ear)
    assert not looks_inverted(drawn("rect:5,5,195,95"))
