"""Masks: each verdict is that of sd-scripts v0.10.1's own dataset, or says what it passes over in silence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.kohya.picture_case import NAMES, SIDE, Case, cut_off, draw_mask, make_case, noise

MASK = f"{NAMES[0]}.png"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = make_case(tmp_path)
    case.add_masks()
    return case


def first(case: Case) -> Path:
    return case.masks / MASK


def save(make: object) -> object:
    """Put another picture in the first mask's place."""
    return lambda case: make().save(first(case))


def deep() -> Image.Image:
    return Image.fromarray(np.asarray(draw_mask((SIDE, SIDE))).astype(np.uint16) * 257)


def in_alpha() -> Image.Image:
    mask = Image.new("LA", (SIDE, SIDE), (0, 0))
    mask.paste((0, 255), (10, 10, 40, 40))
    return mask


def test_good_masks_are_good(case):
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])


FINE = {
    "one bit": save(lambda: draw_mask((SIDE, SIDE)).convert("1")),
    "palette": save(lambda: draw_mask((SIDE, SIDE)).convert("P")),
    "colour mode": save(lambda: draw_mask((SIDE, SIDE)).convert("RGB")),
    "16 bits": save(deep),
    "soft edges": save(lambda: draw_mask((SIDE * 4, SIDE * 4)).resize((SIDE, SIDE))),
}


@pytest.mark.parametrize("make", FINE.values(), ids=FINE)
def test_every_way_to_draw_black_and_white_is_fine(case, make):
    make(case)
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])


def draw_jpeg(case: Case) -> Path:
    path = first(case).with_suffix(".jpg")
    draw_mask((SIDE, SIDE)).save(path, quality=100)
    return path


def test_a_mask_is_paired_by_its_stem(case):
    draw_jpeg(case)
    assert "1 masks in" in case.errors[0]
    assert "as others have the same stem: ухо 0.png." in case.errors[0]
    first(case).unlink()
    assert case.errors == []


def as_gif(case: Case) -> None:
    draw_mask((SIDE, SIDE)).save(first(case).with_suffix(".gif"))
    first(case).unlink()


ERRORS = {
    "missing": (lambda case: first(case).unlink(), "1 images have no mask in"),
    "extra": (lambda case: draw_mask((SIDE, SIDE)).save(case.masks / "x.png"), "1 masks in"),
    "called mask": (
        lambda case: first(case).rename(case.masks / "ухо 0_mask.png"),
        "ухо 0_mask.png is not read: a mask has its image's name",
    ),
    "GIF": (as_gif, "ухо 0.gif is not read"),
    "no folder": (lambda case: shutil.rmtree(case.masks), "there is no folder"),
    "cut off": (lambda case: cut_off(first(case), 0.4), "ухо 0.png: not an image: it is broken"),
    "black": (save(lambda: Image.new("L", (SIDE, SIDE))), "the mask is all black"),
    "blue": (save(lambda: Image.new("RGB", (SIDE, SIDE), "blue")), "the mask is all black"),
    "in the alpha channel": (save(in_alpha), "Its opacity is not read"),
    "0 and 1": (save(lambda: draw_mask((SIDE, SIDE), inside=1)), "its lightest value is 1 of 255"),
    "another ratio": (save(lambda: draw_mask((SIDE, SIDE // 2))), "the mask is 64x32, its image 64x64."),
}


@pytest.mark.parametrize(("spoil", "sentence"), ERRORS.values(), ids=ERRORS)
def test_a_mask_that_is_not_learned_from_is_an_error(case, spoil, sentence):
    spoil(case)
    assert any(sentence in error for error in case.errors), case.errors


WARNINGS = {
    "white": (save(lambda: Image.new("L", (SIDE, SIDE), 255)), "the mask is all white"),
    "dark": (save(lambda: draw_mask((SIDE, SIDE), inside=100)), "its lightest value is 100 of 255."),
    "a photograph": (save(lambda: noise((SIDE, SIDE))), "only its red channel is read"),
    "a grey photograph": (save(lambda: noise((SIDE, SIDE)).convert("L")), "the mask is mostly grey"),
    "half the size": (save(lambda: draw_mask((SIDE // 2, SIDE // 2))), "It is resized."),
}


@pytest.mark.parametrize(("spoil", "sentence"), WARNINGS.values(), ids=WARNINGS)
def test_an_odd_mask_is_a_warning(case, spoil, sentence):
    spoil(case)
    assert case.errors == []
    assert any(sentence in warning for warning in case.warnings), case.warnings


def test_with_buckets_a_mask_of_another_size_stops_the_training(case):
    case.dataset["enable_bucket"] = True
    draw_mask((SIDE // 2, SIDE // 2)).save(first(case))
    assert "the mask is 32x32, its image 64x64." in case.errors[0]


def test_the_images_folder_as_masks_is_a_warning(case):
    case.subset["conditioning_data_dir"] = str(case.images)
    assert case.errors == []
    assert any("each image is its own mask" in warning for warning in case.warnings)


POLARITY = {
    "all inverted": ((0, 255), (0, 255), "2 of 2 masks look inverted"),
    "one inverted": ((0, 255), (255, 0), "1 of 2 masks look inverted"),
    "none": ((255, 0), (255, 0), ""),
}


@pytest.mark.parametrize(("one", "other", "sentence"), POLARITY.values(), ids=POLARITY)
def test_inverted_masks_are_asked_about(case, one, other, sentence):
    for name, (inside, outside) in zip(NAMES, (one, other), strict=True):
        draw_mask((SIDE, SIDE), inside, outside).save(case.masks / f"{name}.png")
    assert case.errors == []
    assert len(case.warnings) == bool(sentence)
    assert sentence in "".join(case.warnings)


def test_a_person_who_fills_the_picture_is_not_inverted(case):
    mask = Image.new("L", (SIDE, SIDE), 0)
    mask.paste(255, (4, 8, 60, SIDE))
    for name in NAMES:
        mask.save(case.masks / f"{name}.png")
    assert case.warnings == []


def resize_all(case: Case, size: tuple[int, int]) -> None:
    for name in NAMES:
        noise(size).save(case.picture(name))
        draw_mask(size).save(case.masks / f"{name}.png")


ALIGNMENT = {
    "buckets": ({"enable_bucket": True}, {}, (100, 64), "train_network", "lie up to 18 pixels beside"),
    "cached": ({}, {"cache_latents": True}, (100, 64), "train_network", "lie up to 18 pixels beside"),
    "fits its bucket": ({"enable_bucket": True}, {}, (128, 128), "train_network", ""),
    "inpaint script": ({"enable_bucket": True}, {}, (100, 64), "train_network_inpaint", ""),
}


@pytest.mark.parametrize(
    ("dataset", "train", "size", "script", "sentence"), ALIGNMENT.values(), ids=ALIGNMENT
)
def test_masks_are_squeezed_where_images_are_cut(case, dataset, train, size, script, sentence):
    resize_all(case, size)
    case.dataset |= dataset
    case.train |= train
    case.script = script
    assert case.errors == []
    found = [warning for warning in case.warnings if "beside their images" in warning]
    assert len(found) == bool(sentence)
    assert sentence in "".join(found)


def test_the_inpaint_script_reads_masks_as_greys(case):
    case.script = "train_network_inpaint"
    mask = Image.new("RGB", (SIDE, SIDE))
    mask.paste((0, 255, 255), (10, 10, 30, 30))
    mask.save(first(case))
    assert case.errors == []
