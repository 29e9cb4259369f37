"""Values as TOML: what is written is what both readers read."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import toml
import tomllib

from dataset_tools.errors import UserError
from wrapper.toml_text import to_toml, toml_templates

VALUES = [
    True,
    0,
    -3,
    5e-05,
    1e20,
    1.0,
    "",
    "C:\\new\\table",
    "a \"quoted\" 'word' # no comment",
    "ухо, 🙂 and = [brackets]",
    "two\nlines\tand a tab",
    ["conv_dim=16", "conv_alpha=16"],
    [0.9, 0.99],
    [],
    {"a key": "b", "c": 1},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_both_readers_get_the_value_back(value):
    text = f"key = {to_toml(value)}  # an origin\n"
    assert tomllib.loads(text) == {"key": value}
    assert toml.loads(text) == {"key": value}


def test_strings_of_awkward_signs_survive_tomllib():
    rng = random.Random(5)
    signs = ["\\", '"', "'", "u", "x", "#", "\n", "\r", "\x01", "\x7f", "[", ",", "é", "Ж", "🙂", "\\u00e9"]
    for _ in range(500):
        text = "".join(rng.choices(signs, k=rng.randint(0, 9)))
        assert tomllib.loads(f"key = {to_toml(text)}") == {"key": text}


def test_whole_numbers_among_floats_become_floats():
    assert to_toml([1, 0.5]) == "[1.0, 0.5]"


def test_paths_are_written_with_slashes():
    assert to_toml(Path("a") / "b c") == '"a/b c"'


@pytest.mark.parametrize(
    "value",
    [None, math.nan, math.inf, [1, "a"], "\ud800", object()],
    ids=["none", "nan", "inf", "mixed", "half a character", "object"],
)
def test_what_has_no_toml_form_is_refused(value):
    with pytest.raises(UserError):
        to_toml(value)


def test_a_missing_variable_fails():
    from jinja2 import UndefinedError

    with pytest.raises((UndefinedError, UserError)):
        toml_templates("kohya").from_string("{{ missing | toml }}").render({})
