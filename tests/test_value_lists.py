"""Values and ranges as A1111's X/Y/Z plot reads them."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from wrapper.value_lists import numbers, split_values


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("0.7,0.8", ["0.7", "0.8"]),
        ('"a woman, smiling", a man', ["a woman, smiling", "a man"]),
        ('"say ""hi""",b', ['say "hi"', "b"]),
        ("ухо 🙂, it's", ["ухо 🙂", "it's"]),
        ("1,,2", ["1", "", "2"]),
        ("", []),
    ],
)
def test_fields_are_csv(text, fields):
    assert split_values(text) == fields


@pytest.mark.parametrize(
    ("field", "whole", "expected"),
    [
        ("7", True, [7]),
        ("1-5", True, [1, 2, 3, 4, 5]),
        ("1-5 (+2)", True, [1, 3, 5]),
        ("10-5 (-3)", True, [10, 7]),
        ("5-3", True, [5, 4, 3]),
        ("1-10 [5]", True, [1, 3, 5, 7, 10]),
        ("0.7-1.0 (+0.1)", False, [0.7, 0.8, 0.9, 1.0]),
        ("0.7-1.0 [4]", False, [0.7, 0.8, 0.9, 1.0]),
        ("1-3 (+0.5)", False, [1, 1.5, 2, 2.5, 3]),
        ("-1-1 [3]", False, [-1, 0, 1]),
        ("4-6", False, [4, 5, 6]),
        ("3-9 [1]", False, [3]),
    ],
)
def test_ranges(field, whole, expected):
    assert [float(value) for value in numbers(field, whole=whole)] == expected


@pytest.mark.parametrize(
    ("field", "whole", "said"),
    [
        ("much", False, "'much' is not a number"),
        ("1.5", True, "'1.5' is not a whole number"),
        ("1-2 (+0.5)", True, "not a whole number"),
        ("0.7-1.0", False, "how far apart"),
        ("1-5 (-1)", True, "never come from 1 to 5"),
        ("1-5 (0)", True, "never come"),
        ("1-5 [0]", True, "are 0 values"),
        ("1-99999", True, "99999 values"),
        ("nan", False, "not a number"),
        ("1e3", False, "not a number"),
    ],
)
def test_what_is_no_number_is_told(field, whole, said):
    with pytest.raises(UserError, match=said.replace("(", r"\(")):
        numbers(field, whole=whole)
