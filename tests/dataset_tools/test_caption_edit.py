"""Bulk edits of captions, and the tags that they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dataset_tools.captioning import edit
from dataset_tools.captioning.caption_files import read_captions, tag_counts
from dataset_tools.captioning.cut_off import NOTE, take_back
from dataset_tools.captioning.edit import KEPT, Change, Edits, apply, edited, plan
from dataset_tools.errors import UserError
from dataset_tools.pictures.images import save_png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Мария's photos 📷"
    captions = {"a": "myface, red, Tree", "sub dir/b": "red,tree ,лицо\r\n", "c": "", "d": None}
    for name, caption in captions.items():
        save_png(made / f"{name}.png", np.zeros((4, 5, 3), np.uint8))
        if caption is not None:
            (made / f"{name}.txt").write_bytes(caption.encode())
    (made / "readme.txt").write_text("red")
    return made


@pytest.mark.parametrize(
    ("text", "edits", "after"),
    [
        ("a cat, red, Red , redder", Edits(drop=["red"]), "a cat, redder"),
        ("a  cat,red", Edits(drop=["blue"]), "a  cat,red"),
        ("a cat, red", Edits(replace=[("cat", "dog"), ("dog", "cow")]), "a cow, red"),
        ("a.c abc", Edits(replace=[("a.c", r"\1")]), r"\1 abc"),
        ("a cat", Edits(prefix="myface"), "myface, a cat"),
        ("myface woman", Edits(prefix="myface"), "myface woman"),
        ("red", Edits(drop=["RED"], prefix="myface"), "myface"),
        ("a cat, red", Edits(find="dog", drop=["red"]), "a cat, red"),
        ("a cat, red\r\n\r\nб, red\n", Edits(drop=["red"]), "a cat\r\n\r\nб\n"),
        ("dog, red\ncat, red", Edits(find="cat", drop=["red"]), "dog, red\ncat"),
        ("", Edits(prefix="myface"), ""),
    ],
    ids=[
        "whole tags",
        "no such tag",
        "in order",
        "plain text",
        "prefix",
        "prefix is there",
        "drop then prefix",
        "not found",
        "lines",
        "found in one line",
        "empty",
    ],
)
def test_a_text_is_edited(text, edits, after):
    assert edited(text, edits) == after


def test_captions_are_the_files_beside_images_and_no_others(folder):
    found = read_captions(folder)
    assert {path.relative_to(folder).as_posix(): text for path, text in found.items()} == {
        "a.txt": "myface, red, Tree",
        "c.txt": "",
        "sub dir/b.txt": "red,tree ,лицо\r\n",
    }


def test_tags_are_counted_once_a_caption_whatever_their_case(folder):
    assert tag_counts(read_captions(folder).values()) == {"red": 2, "Tree": 2, "myface": 1, "лицо": 1}


def test_what_is_planned_is_written_and_the_originals_are_kept(folder):
    changes = plan(read_captions(folder), Edits(drop=["red"]))
    assert changes == [
        Change(folder / "a.txt", "myface, red, Tree", "myface, Tree"),
        Change(folder / "sub dir" / "b.txt", "red,tree ,лицо\r\n", "tree, лицо\r\n"),
    ]
    kept = apply(folder, changes)
    assert (folder / "sub dir" / "b.txt").read_bytes().decode() == "tree, лицо\r\n"
    assert kept == folder / ".captions" / "1"
    assert (kept / "sub dir" / "b.txt").read_bytes().decode() == "red,tree ,лицо\r\n"
    assert apply(folder, plan(read_captions(folder), Edits(prefix="x"))) == folder / ".captions" / "2"
    assert (kept / "a.txt").read_text() == "myface, red, Tree"


def test_originals_are_not_kept_where_nobody_wants_them(folder):
    assert apply(folder, plan(read_captions(folder), Edits(drop=["red"])), keep=False) is None
    assert not (folder / ".captions").exists()


def test_nothing_is_written_when_a_caption_would_be_empty(folder):
    (folder / "d.txt").write_text("red")
    with pytest.raises(UserError, match=r"d\.txt: nothing would be left"):
        plan(read_captions(folder), Edits(drop=["red"]))


def test_captions_that_cannot_be_read_are_all_named(folder):
    (folder / "a.txt").write_bytes(b"\xff")
    (folder / "c.txt").write_bytes(b"ok \xff")
    with pytest.raises(UserError) as caught:
        read_captions(folder)
    assert "a.txt: not UTF-8 (byte 0)" in caught.value.message
    assert "c.txt: not UTF-8 (byte 3)" in caught.value.message


def test_a_folder_without_captions_says_so(folder):
    with pytest.raises(UserError, match=r"no \.caption captions beside images"):
        read_captions(folder, ".caption")


class CutOffError(Exception):
    pass


@pytest.fixture(params=[True, False], ids=["originals kept", "no backup"])
def half_edited(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An edit was killed after its first caption."""
    write = edit.write_text

    def once(path: Path, text: str) -> None:
        write(path, text)
        raise CutOffError

    monkeypatch.setattr(edit, "write_text", once)
    changes = plan(read_captions(folder), Edits(replace=[("red", "dark red")]))
    with pytest.raises(CutOffError):
        apply(folder, changes, keep=request.param)
    monkeypatch.undo()
    assert (folder / "a.txt").read_text() == "myface, dark red, Tree"
    return folder


def test_an_edit_that_was_cut_off_and_done_again_changes_every_caption_once(half_edited: Path):
    assert take_back(half_edited / KEPT) == 1
    kept = apply(half_edited, plan(read_captions(half_edited), Edits(replace=[("red", "dark red")])))
    assert (half_edited / "a.txt").read_text() == "myface, dark red, Tree"
    assert kept == half_edited / KEPT / "1"
    assert sorted(path.name for path in kept.rglob("*.*")) == ["a.txt", "b.txt"]
    assert (kept / "a.txt").read_text() == "myface, red, Tree"
    assert take_back(half_edited / KEPT) == 0


def test_a_caption_that_was_changed_since_stays(half_edited: Path):
    (half_edited / "a.txt").write_text("mine")
    assert take_back(half_edited / KEPT) == 0
    assert (half_edited / "a.txt").read_text() == "mine"


@pytest.mark.parametrize("text", ["{", "[]", '{"../a.txt": "x"}', '{"a.txt": 1}'])
def test_a_note_that_is_none_of_ours_is_refused(folder: Path, text: str):
    note = folder / KEPT / "1" / NOTE
    note.parent.mkdir(parents=True)
    note.write_text(text)
    with pytest.raises(UserError, match="is no note of an edit"):
        take_back(folder / KEPT)
