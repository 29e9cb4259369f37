"""A1111's parameters: written as it writes them, read as it reads them."""

from __future__ import annotations

import pytest

from wrapper.diffusion.pictures.infotext import Infotext, parse_infotext, write_infotext

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
