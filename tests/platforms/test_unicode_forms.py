"""Names that macOS gave another Unicode form than the manifest has: read from disks where the two are two."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from dataset_tools.manifests.folder_names import with_masks
from dataset_tools.manifests.manifest import read_manifest
from tests.dataset_tools.rows import values

NAME = "Йод é 한"
FORMS = {"composed": unicodedata.normalize("NFC", NAME), "two letters": unicodedata.normalize("NFD", NAME)}


def manifest(folder: Path, *images: str, **others: str) -> Path:
    rows = [values(image=image, **others) for image in images]
    path = folder / "manifest.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return path


def put(folder: Path, name: str) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return name


@pytest.mark.parametrize("here", FORMS)
@pytest.mark.parametrize("there", FORMS)
def test_pictures_and_masks_are_found_in_folders_and_by_names_of_the_other_form(
    here: str, there: str, tmp_path: Path
):
    image, mask = (put(tmp_path, f"{FORMS[here]}/{kind} {FORMS[here]}.png") for kind in ("a", "b"))
    named = [f"{FORMS[there]}/{kind} {FORMS[there]}.png" for kind in ("a", "b")]
    (row,) = read_manifest(manifest(tmp_path, named[0], mask=named[1])).rows
    assert (row.image, row.mask) == (image, mask), "as the disk spells them"


def test_what_is_there_in_both_forms_is_two_pictures(tmp_path: Path):
    names = [put(tmp_path, f"{form}.png") for form in FORMS.values()]
    assert [row.image for row in read_manifest(manifest(tmp_path, *names)).rows] == names


def test_one_picture_named_in_both_forms_is_repeated(tmp_path: Path):
    put(tmp_path, f"{FORMS['composed']}.png")
    with pytest.raises(UserError, match="row 2"):
        read_manifest(manifest(tmp_path, *(f"{form}.png" for form in FORMS.values())))


def test_letter_case_is_no_form_and_is_told(tmp_path: Path):
    put(tmp_path, "Photos/IMG é.JPG")
    with pytest.raises(UserError) as caught:
        read_manifest(manifest(tmp_path, unicodedata.normalize("NFD", "photos/img é.jpg")))
    assert "There is 'Photos/IMG é.JPG': letter case counts." in f"{caught.value.message} {caught.value.hint}"


def test_a_mask_from_the_other_system_belongs_to_its_picture():
    picture, mask = f"{FORMS['two letters']}.png", f"masks/{FORMS['composed']}.png"
    assert list(with_masks([mask, picture])) == [(picture, mask)]


def test_a_folder_that_may_not_be_looked_into_is_not(tmp_path: Path):
    with pytest.raises(UserError, match="no image"):
        read_manifest(manifest(tmp_path, "nowhere/é.png", "\N{LATIN SMALL LETTER E}" * 300 + ".png"))
