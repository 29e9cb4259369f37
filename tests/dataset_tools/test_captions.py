"""Captions: one line, the trigger in it, sides swapped; wrong templates are one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.captioning.blip import blip_caption
from dataset_tools.captioning.captions import (
    caption_from_file,
    mirrored_row,
    render_caption,
    swap_sides,
    with_trigger,
)
from dataset_tools.errors import UserError
from dataset_tools.manifests.schema import ManifestRow
from tests.dataset_tools.tiny_blip import WORDS, make_blip


def row(**values: Any) -> ManifestRow:
    fields = {
        "image": "фото/a 'b'.png",
        "subject": "anna",
        "consent": {"id": "c1"},
        "age": "26-30",
        "view": "profile_left",
        "type": "bust",
        "ear_side": "left",
        "ear_shape": "protruding",
        "lobe": "small",
        "skin_tone": "olive",
    }
    return ManifestRow.model_validate(fields | values)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "portrait",
            "myface person, head and shoulders photo, left profile, olive skin, "
            "slightly protruding left ear, small earlobe, about 28 years old",
        ),
        ("ear", "myface person, slightly protruding left ear, small earlobe, left profile, olive skin"),
        ("plain", "photo of myface person"),
        ("prompt", "myface person, at the window"),
        ("{{ prompt }} of {{ trigger }}", "at the window of myface"),
        ("{{ subject }}\n\n  {{ tags.room }} {{ room }}", "myface person, anna studio studio"),
        ("{{ trigger }}, {{ words.occlusion }}, , {{ words.view }}", "myface, left profile"),
    ],
)
def test_templates_become_one_line_with_the_trigger(template: str, expected: str):
    given = row(prompt="at the window", tags={"room": "studio"})
    assert render_caption(given, template, "myface", "person") == expected


def test_a_rows_own_caption_wins_over_the_template():
    given = row(caption="  Portrait of Anna,\n smiling ")
    assert render_caption(given, "portrait", "myface", "woman") == "myface woman, Portrait of Anna, smiling"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photo of myface", "photo of myface"),
        ("MyFace smiling", "MyFace smiling"),
        ("myfaces", "myface person, myfaces"),
        ("a woman 🙂", "myface person, a woman 🙂"),
    ],
)
def test_the_trigger_is_put_first_unless_it_is_there(text: str, expected: str):
    assert with_trigger(text, "myface", "person", "x") == expected


def test_nobody_can_see_an_ear_so_none_is_described():
    caption = render_caption(row(ear_visible=False, type="bust"), "portrait", "myface", "person")
    assert "ear" not in caption.replace("years", "")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("portait", "Did you mean 'portrait'"),
        ("{{ skin }}", "'skin' is undefined"),
        ("{{ trigger", "unexpected end of template"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{% for i in range(1000000) %}x{% endfor %}", "Range too big"),
        ("{{ words.hat }}", "no attribute 'hat'"),
        ("prompt", "the caption is empty"),
    ],
)
def test_a_wrong_template_is_one_sentence(template: str, words: str):
    with pytest.raises(UserError) as caught:
        render_caption(row(), template, "myface", "person")
    assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("Left ear, bright light on the RIGHT", "Right ear, bright light on the LEFT"),
        ("profile_left", "profile_right"),
        ("leftover, upright, copyright", "leftover, upright, copyright"),
        ("left-hand right", "right-hand left"),
    ],
)
def test_sides_are_swapped_as_words(text: str, swapped: str):
    assert swap_sides(text) == swapped
    assert swap_sides(swapped) == text


def test_the_trigger_is_never_swapped():
    assert swap_sides("left_ear person, left ear", keep="left_ear") == "left_ear person, right ear"


def test_a_mirrored_row_is_true_of_the_mirrored_picture():
    given = row(prompt="left ear", caption="seen from the left", negative="right ear", tags={"room": "left"})
    mirrored = mirrored_row(given)
    assert (mirrored.view, mirrored.ear_side) == ("profile_right", "right")
    assert (mirrored.prompt, mirrored.caption, mirrored.negative) == (
        "right ear",
        "seen from the right",
        "left ear",
    )
    assert mirrored.tags == {"room": "right"}
    assert mirrored_row(mirrored) == given
    assert mirrored_row(row(view="front", ear_side="both")).ear_side == "both"


def test_a_mirrored_caption_from_the_template_says_the_other_side():
    caption = render_caption(mirrored_row(row()), "portrait", "myface", "person")
    assert "right profile" in caption
    assert "right ear" in caption
    assert "left" not in caption


def test_a_caption_file_beside_the_image_gives_its_first_line(tmp_path: Path):
    image = tmp_path / "а б.jpg"
    assert caption_from_file(image) is None
    image.with_suffix(".txt").write_text("\ufeff\n  Анна, 🙂 \nsecond line", encoding="utf-8")
    assert caption_from_file(image) == "Анна, 🙂"
    image.with_suffix(".txt").write_text(" \n", encoding="utf-8")
    assert caption_from_file(image) is None
    image.with_suffix(".txt").write_bytes(b"caf\xe9")
    with pytest.raises(UserError, match=r"not UTF-8 \(byte 3\)"):
        caption_from_file(image)


def test_blip_captions_a_picture(tmp_path: Path):
    folder = make_blip(tmp_path / "blip")
    rgb = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    caption = blip_caption(rgb, folder)
    assert caption == blip_caption(rgb, folder)
    assert caption
    assert set(caption.split()) <= set(WORDS[4:])


def test_blip_without_a_model_is_one_sentence(tmp_path: Path):
    with pytest.raises(UserError, match="not a folder with a BLIP model"):
        blip_caption(np.zeros((8, 8, 3), np.uint8), tmp_path)
