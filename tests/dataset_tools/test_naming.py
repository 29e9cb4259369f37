"""Names that sd-scripts' folder search finds and no two images share."""

from __future__ import annotations

import pytest

from dataset_tools.building.naming import bucket_folder, check_tokens, names_for, safe
from dataset_tools.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Анна_01", "Анна_01"),
        (".hidden", "hidden"),
        ("a [b] 'c' 🙂", "a-b-c"),
        ("и\u0306", "й"),
        ("🙂", "x"),
        ("y" * 200, "y" * 80),
    ],
)
def test_safe_names(text: str, expected: str):
    assert safe(text) == expected


def test_equal_stems_get_a_digest_and_others_keep_their_names():
    names = names_for(["a/x.png", "b/X.jpg", "b/y.png"])
    assert names["b/y.png"] == "y"
    assert names["a/x.png"].startswith("x-")
    assert len({name.casefold() for name in names.values()}) == 3
    assert names_for(["b/X.jpg", "a/x.png", "c/z.png"])["a/x.png"] == names["a/x.png"]


def test_bucket_folders_are_readable_and_distinct():
    assert bucket_folder("clients.back+front") == "clients.back+front"
    assert bucket_folder("light beige") == "light beige"
    assert bucket_folder("a/b") != bucket_folder("a:b")
    assert "/" not in bucket_folder("../up")


@pytest.mark.parametrize("trigger", ["", " x", "a/b", "a:b", "x."])
def test_a_trigger_that_cannot_name_a_folder_is_refused(trigger: str):
    with pytest.raises(UserError, match=r"captions\.trigger"):
        check_tokens(trigger, "person")
