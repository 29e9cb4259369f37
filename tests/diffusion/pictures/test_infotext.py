"""A1111's parameters: written as it writes them, read as it reads them."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from wrapper.diffusion.pictures.infotext import (
    Infotext,
    parse_infotext,
    settle_prompt,
    short_number,
    write_infotext,
)

FIELDS = {"Steps": "20", "Sampler": "Euler a", "CFG scale": "4.5", "Seed": "7", "Size": "64x96"}


@pytest.mark.parametrize(
    "info",
    [
        Infotext("photo of a woman", "blurry, waxy", FIELDS),
        Infotext("two\nlines <lora:мой:0.8>", "more\nlines", FIELDS),
        Infotext("no negative 🙂", "", FIELDS),
        Infotext("", "", FIELDS),
        Infotext("p", "", {**FIELDS, "Lora hashes": "my: 0123456789ab, b: 00", "Model": 'a "b", c: d'}),
    ],
    ids=["plain", "lines", "emoji", "empty", "quoted"],
)
def test_what_is_written_is_read_back(info):
    assert parse_infotext(write_infotext(info)) == info


def test_the_text_is_a1111s():
    text = write_infotext(Infotext("a cat", "a dog", {**FIELDS, "Lora hashes": "m: 12"}))
    assert text == (
        "a cat\nNegative prompt: a dog\n"
        'Steps: 20, Sampler: Euler a, CFG scale: 4.5, Seed: 7, Size: 64x96, Lora hashes: "m: 12"'
    )


def test_what_a1111_wrote_is_read():
    text = (
        "portrait <lora:face:0.8>\nNegative prompt: bad\nSteps: 36, Sampler: DPM++ 2M, "
        "Schedule type: Karras, CFG scale: 5, Seed: 1, Size: 512x768, "
        'Lora hashes: "face: abcdef012345", Version: v1.10.1'
    )
    info = parse_infotext(text)
    assert (info.prompt, info.negative) == ("portrait <lora:face:0.8>", "bad")
    assert info.fields["Schedule type"] == "Karras"
    assert info.fields["Lora hashes"] == "face: abcdef012345"


def test_a_text_without_parameters_is_all_prompt():
    assert parse_infotext("a cat: black, big") == Infotext("a cat: black, big")


ODD_PROMPTS = [
    "a, b: c; 'd' \"e\" \\\\ \\(f\\)",
    "Steps: 3",
    "a cat\nSteps: 3, Sampler: Euler a, Seed: 1, CFG scale: 2",
    "Steps: 3, Sampler: Euler a, Seed: 1, CFG scale: 2",
    "(ухо:1.2), [left], <lora:мой:0.8:1> BREAK 🙂\u2028next",
    "first\n\n\nlast",
    '"quoted", {"json": [1]}',
    "a photo, Negative prompt: is a phrase here",
]


@pytest.mark.parametrize("negative", ["", "waxy\nplastic", "Negative prompt: twice", "Steps: 3, a: b, c: d"])
@pytest.mark.parametrize("prompt", ODD_PROMPTS)
def test_odd_prompts_are_read_back(prompt, negative):
    info = Infotext(
        prompt, negative, {**FIELDS, "Model": '\\ "x"', "ControlNet 0": "a: b, c: \n", "VAE": " v "}
    )
    assert parse_infotext(write_infotext(info)) == info


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("  a cat \n  on a mat\t\r\n\n", "a cat\non a mat"),
        ("a cat\n\nNegative prompt: dog", "a cat Negative prompt: dog"),
        ("\n\na", "a"),
        ("", ""),
    ],
)
def test_a_prompt_is_settled_to_what_a_picture_can_hold(text, settled):
    assert settle_prompt(text) == settled == settle_prompt(settled)
    assert parse_infotext(write_infotext(Infotext(text, "", FIELDS))).prompt == settled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Negative prompt: waxy", "begins with 'Negative prompt:'.*|--negative"),
        ("a\x00b", r"no text \(U\+0000\)"),
        ("a\udcff", "no text"),
    ],
)
def test_a_prompt_that_no_picture_can_hold_is_refused(text, said):
    with pytest.raises(UserError, match=said):
        settle_prompt(text)


def test_a_field_without_a_value_is_left_out_as_a1111_cannot_read_it():
    assert "VAE" not in write_infotext(Infotext("a", "", {**FIELDS, "VAE": ""}))


@pytest.mark.parametrize(
    ("value", "text"), [(5.0, "5"), (0.7, "0.7"), (1 / 3, "0.3333333333333333"), (1e-7, "1e-07"), (-1, "-1")]
)
def test_numbers_are_short_and_lose_nothing(value, text):
    assert short_number(value) == text
    assert float(text) == value
