"""An existing Kohya tree as a manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.manifests.schema import ManifestRow
from dataset_tools.pictures.images import save_png

WHO = {"subject": "anna", "consent": "C-17"}
WHAT = {"age": "26-30", "view": "front", "type": "bust", "ear_side": "both"}


def put(root: Path, *names: str) -> None:
    for name in names:
        save_png(root / name, np.zeros((4, 5, 3), np.uint8))


def say(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.write_text(text, encoding=encoding)


def rows(root: Path) -> dict[str, ManifestRow]:
    return {row.image: row for row in read_manifest(root, {**WHO, **WHAT}).rows}


def complaint(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_manifest(root, {**WHO, **WHAT})
    return f"{caught.value.message}\n{caught.value.hint}"


def test_folders_repeats_captions_and_masks(tmp_path):
    root = tmp_path / "Kohya's дерево 🌳"
    put(root, "10_myface woman/a.png", "10_myface woman/b.jpeg", "3_myface woman/c.webp")
    put(root, "masks/10_myface woman/a.png", "3_myface woman/mask/c.png")
    say(root / "10_myface woman/a.txt", "\ufeffmyface woman, глаза\n")
    say(root / "3_myface woman/c.caption", "myface woman, c")
    found = rows(root)
    assert {name: (row.caption, row.mask, row.tags) for name, row in found.items()} == {
        "10_myface woman/a.png": (
            "myface woman, глаза",
            "masks/10_myface woman/a.png",
            {"folder": "10_myface woman", "repeats": "10"},
        ),
        "10_myface woman/b.jpeg": ("myface woman", None, {"folder": "10_myface woman", "repeats": "10"}),
        "3_myface woman/c.webp": (
            "myface woman, c",
            "3_myface woman/mask/c.png",
            {"folder": "3_myface woman", "repeats": "3"},
        ),
    }


def test_masks_of_one_folder_may_lie_in_one_folder(tmp_path):
    put(tmp_path, "10_myface woman/a.png", "masks/a.png")
    assert rows(tmp_path)["10_myface woman/a.png"].mask == "masks/a.png"


def test_subject_and_consent_are_never_invented(tmp_path):
    put(tmp_path, "10_myface woman/a.png")
    with pytest.raises(UserError) as caught:
        read_manifest(tmp_path, WHAT)
    assert "'subject' is missing" in caught.value.message
    assert "no consent record" in caught.value.message


def test_what_sd_scripts_passes_over_in_silence_is_told(tmp_path):
    put(tmp_path, "10_myface woman/a.png", "10_myface woman/old/b.png", "c.png", "spare/d.png")
    text = complaint(tmp_path)
    for wanted in (
        "3 problems",
        "10_myface woman/old/b.png: lies too deep",
        "c.png: lies beside the folders",
        "spare/d.png: 'spare' says no repeats",
    ):
        assert wanted in text


@pytest.mark.parametrize(
    ("captions", "wanted"),
    [
        ({"a.txt": ("", "utf-8")}, "'a.txt': the caption is empty."),
        ({"a.txt": ("myface\nin a room", "utf-8")}, "only its first line would be read"),
        ({"a.txt": ("лицо", "cp1251")}, "'a.txt': not UTF-8 (byte 0)."),
        ({"a.txt": ("one", "utf-8"), "a.caption": ("two", "utf-8")}, "its .txt and .caption differ"),
    ],
    ids=["empty", "two lines", "not UTF-8", "two captions"],
)
def test_captions_that_would_not_be_read(tmp_path, captions, wanted):
    put(tmp_path, "10_myface woman/a.png")
    for name, (text, encoding) in captions.items():
        say(tmp_path / "10_myface woman" / name, text, encoding)
    assert wanted in complaint(tmp_path)


@pytest.mark.parametrize("other", ["2024_holiday/b.png", "age2325/ear_left/b.png"])
def test_years_and_conventional_names_are_no_kohya_tree(tmp_path, other):
    put(tmp_path, other)
    assert rows(tmp_path)[other].tags == {}


def test_a_conventional_tree_with_one_numbered_folder_stays_one(tmp_path):
    put(tmp_path, "1_front/a.png", "age2325/ear_left/b.png")
    assert "'1' in '1_front' is no bucket" in complaint(tmp_path)
