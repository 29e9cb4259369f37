"""All problems at once, and what is wrong in many places alike only once."""

from __future__ import annotations

import pytest

from dataset_tools.errors import Problems, UserError


def test_one_setting_that_is_wrong_for_every_image_is_one_line():
    problems = Problems()
    for number in range(38):
        problems.add(f"фото {number}.png", "captions.template: there is no template 'nope'.", "Shipped: ear.")
    problems.add("row 7", "no mask.")
    with pytest.raises(UserError) as caught:
        problems.merged().raise_if_any()
    assert caught.value.message.split("\n") == [
        "2 problems:",
        "  фото 0.png, фото 1.png, фото 2.png, фото 3.png, фото 4.png and 33 more: "
        "captions.template: there is no template 'nope'. Shipped: ear.",
        "  row 7: no mask.",
    ]


def test_a_few_equal_problems_keep_their_own_lines():
    problems = Problems()
    for where in ("a", "b", "c"):
        problems.add(where, "no mask.")
    assert problems.merged().found == problems.found


def test_equal_problems_are_said_once():
    problems = Problems()
    for _ in range(2):
        problems.add("a prompt", "is refused.", "Say another.")
    with pytest.raises(UserError) as caught:
        problems.raise_if_any()
    assert (caught.value.message, caught.value.hint) == ("a prompt: is refused.", "Say another.")
