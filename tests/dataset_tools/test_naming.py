"""Names that sd-scripts' folder search finds and no two images share."""

from __future__ import annotations

import pytest

from dataset_tools.building.naming import bucket_folder, check_tokens, names_for, safe
from dataset_tools.errors import UserError
from dataset_tools.system.portable_names import fault_of, folded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Анна_01", "Анна_01"),
        (".hidden", "hidden"),
        ("a [b] 'c' 🙂", "a-b-c"),
        ("и\u0306", "й"),
        ("🙂", "x"),
        ("y" * 200, "y" * 80),
        ("🙂y" * 200, "y" + "-y" * 39),
        ("あ" * 200, "あ" * 53),
        ("a" * 79 + ". b", "a" * 79),
        ("CON", "_CON"),
        ("aux.tar", "_aux.tar"),
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


@pytest.mark.parametrize(
    ("one", "other"), [("Fair", "fair"), ("straße", "STRASSE"), ("и\u0306", "й"), ("x" * 300, "x" * 301)]
)
def test_buckets_that_some_file_systems_cannot_tell_apart_have_other_folders(one: str, other: str):
    assert folded(bucket_folder(one)) != folded(bucket_folder(other))


@pytest.mark.parametrize("bucket", ["con", "nul.x+aux", "a.", "b ", "é" * 300, "?", "+"])
def test_bucket_folders_are_legal_everywhere(bucket: str):
    assert not fault_of(bucket_folder(bucket))


@pytest.mark.parametrize("trigger", ["", " x", "a/b", "a:b", "x."])
def test_a_trigger_that_cannot_name_a_folder_is_refused(trigger: str):
    with pytest.raises(UserError, match=r"captions\.trigger"):
        check_tokens(trigger, "person")
