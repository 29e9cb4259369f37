"""Names that a prompt, a workflow and every file system can have; others are refused with a better one."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from wrapper.export.places.names import check_name, same_name


@pytest.mark.parametrize(
    "name", ["ear", "моё лицо 🙂", "it's v1.5 (final) [x]", "a & b", "x" * 200, "console", "耳"]
)
def test_names_that_work(name: str):
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "said", "better"),
    [
        ("a:b", "':' cannot be", "a_b"),
        ("ear #2", "'#' cannot be", "ear _2"),
        ("a/b\\c", r"'/' '\\\\' cannot be", "a_b_c"),
        ("", "1 to 200 bytes", "my_lora"),
        ("я" * 101, "1 to 200 bytes", "я" * 50),
        (" ear.", "space or a dot", "ear"),
        (".ear", "space or a dot", "ear"),
        ("NUL", "for a device", "my_NUL"),
        ("com1.v2", "for a device", "my_com1.v2"),
        ("a\nb", "cannot be seen", "ab"),
        ("ear\u202egnp", "cannot be seen", "eargnp"),
        ("\udcff", "cannot be seen", "my_lora"),
    ],
)
def test_names_that_do_not_are_refused_with_one_that_does(name: str, said: str, better: str):
    with pytest.raises(UserError, match=said) as caught:
        check_name(name)
    assert caught.value.hint == f"Give --name '{better}'."
    caught.value.message.encode("utf-8")


def test_what_a_file_system_may_take_for_the_same():
    assert same_name("Ear", "ear")
    assert same_name("café", "cafe\u0301")
    assert not same_name("ear", "ears")
