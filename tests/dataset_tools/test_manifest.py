"""JSON, JSON lines and folder names as rows, and every problem at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.errors import UserError
from dataset_tools.manifests.folder_names import read_name
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.pictures.images import save_png
from tests.dataset_tools.rows import minor, values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two pictures and a mask."""
    made = tmp_path / "Мария's photos 📷"
    for name in ("photos/один.png", "photos/two.png", "masks/один.png"):
        picture(made, name)
    return made


def picture(root: Path, name: str) -> None:
    save_png(root / name, np.zeros((4, 5, 3), np.uint8))


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def complaint(path: Path, defaults: dict[str, Any] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read_manifest(path, defaults)
    return f"{caught.value.message}\n{caught.value.hint}"


def two_rows() -> list[dict[str, Any]]:
    return [values(mask="masks/один.png"), values(image="photos/two.png", view="back")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.json", two_rows()),
        ("m.json", {"images": two_rows()}),
        ("m.JSONL", "\n\n".join(json.dumps(row) for row in two_rows()) + "\n"),
        ("m.jsonl", "\ufeff" + "\r\n".join(json.dumps(row) for row in two_rows())),
    ],
    ids=["list", "object", "lines", "lines with a mark and CRLF"],
)
def test_each_form_gives_the_same_rows(folder, name, content):
    manifest = read_manifest(write(folder, name, content))
    assert [row.view for row in manifest.rows] == ["front", "back"]
    assert manifest.image_path(manifest.rows[0]) == folder / "photos" / "один.png"
    assert manifest.mask_path(manifest.rows[0]) == folder / "masks" / "один.png"
    assert manifest.mask_path(manifest.rows[1]) is None


def test_defaults_fill_what_a_row_leaves_out_and_no_more(folder):
    path = write(folder, "m.json", [values(subject=None), values(image="photos/two.png")])
    rows = read_manifest(path, {"subject": "someone", "skin_tone": "olive"}).rows
    assert [(row.subject, row.skin_tone) for row in rows] == [("someone", "olive"), ("anna", "olive")]


def test_all_problems_are_told_at_once_with_file_and_row(folder):
    lines = [
        json.dumps(values(veiw="front", view=None)),
        json.dumps(values(consent=None)),
        json.dumps(values(image="photos/nowhere.png", mask="masks/nowhere.png")),
        "{not json",
        json.dumps(values(view="profil_left")),
        json.dumps(minor(type="full")),
        json.dumps(values()),
        json.dumps(values()),
        '{"image": "a", "image": "b"}',
        "3",
    ]
    text = complaint(write(folder, "m.jsonl", "\n".join(lines)))
    for wanted in (
        "11 problems",
        "line 1: unknown key 'veiw'. Did you mean 'view'?",
        "line 1: 'view' is missing. One of: front, profile_left",
        'line 2: no consent record: a row without one is not trained on. Add "consent"',
        "line 3: no image 'photos/nowhere.png'",
        "line 3: no mask 'masks/nowhere.png'",
        "line 4: not JSON",
        "line 5: view: 'profil_left' is not known. Did you mean 'profile_left'?",
        "line 6: age 15-17 with type 'full' is refused",
        "line 8: image 'photos/один.png' is there already, at m.jsonl line 7",
        "line 9: not JSON: 'image' is there twice",
        "line 10: a row is an object, not 3",
    ):
        assert wanted in text


def test_a_thousand_problems_are_cut_short_and_counted(folder):
    path = write(folder, "m.json", [values(consent=None)] * 1000)
    text = complaint(path)
    assert "1,000 problems" in text
    assert "and 950 more" in text
    assert text.count("consent record") == 50


@pytest.mark.parametrize("consent", ["", {}, {"id": ""}, 5, ["C"]], ids=str)
def test_a_consent_that_is_none_says_what_to_add(folder, consent):
    assert 'Add "consent"' in complaint(write(folder, "m.json", [values(consent=consent)]))


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("m.json", "[]", "no images in it"),
        ("m.jsonl", "\n", "no images in it"),
        ("m.json", "{}", "neither a list of rows"),
        ("m.json", '{"image": []}', "Did you mean 'images'?"),
        ("m.json", "[{]", "not JSON"),
        ("m.json", "[" * 100_000, "nested too deeply"),
        ("m.json", "7", "neither a list of rows"),
        ("m.xlsx", "a,b", "not a manifest"),
    ],
)
def test_a_file_that_is_no_manifest(folder, name, content, wanted):
    try:
        text = complaint(write(folder, name, content))
    finally:
        (folder / name).unlink()
    assert wanted in text


def test_a_file_that_is_not_there_or_not_utf_8(folder):
    assert "no such manifest" in complaint(folder / "nowhere.jsonl")
    assert "no such manifest" in complaint(folder / "nowhere")
    (folder / "m.json").write_bytes(b'[{"image": "\xff"}]')
    assert "not UTF-8" in complaint(folder / "m.json")


def test_an_unknown_default_is_named(folder):
    text = complaint(write(folder, "m.json", [values()]), {"subjekt": "anna"})
    assert "unknown key 'subjekt'.\nDid you mean 'subject'?" in text


# Folder names

WHO = {"subject": "anna", "consent": {"id": "C-17", "by": "guardian"}}


def rows_of(root: Path, *names: str, **defaults: Any) -> list[dict[str, Any]]:
    for name in names:
        picture(root, name)
    rows = read_manifest(root, {**WHO, **defaults}).rows
    keys = ("image", "age", "pose", "view", "type", "ear_side", "mask")
    return [{key: getattr(row, key) for key in keys if getattr(row, key) is not None} for row in rows]


def test_conventional_folder_names_are_a_manifest(tmp_path):
    assert rows_of(
        tmp_path,
        "age2325/standing_profileleft/a.png",
        "age1517/ear_left/b.png",
        "age1517/ear_left/b_mask.png",
        "age 31–35/Sitting, Front/bust/c.png",
        "masks/age 31–35/Sitting, Front/bust/c.png",
        "age3135/clients.back/back/full/.hidden.png",
    ) == [
        {
            "image": "age 31–35/Sitting, Front/bust/c.png",
            "age": "31-35",
            "pose": "sitting",
            "view": "front",
            "type": "bust",
            "ear_side": "both",
            "mask": "masks/age 31–35/Sitting, Front/bust/c.png",
        },
        {
            "image": "age1517/ear_left/b.png",
            "age": "15-17",
            "pose": "standing",
            "view": "profile_left",
            "type": "ear",
            "ear_side": "left",
            "mask": "age1517/ear_left/b_mask.png",
        },
        {
            "image": "age2325/standing_profileleft/a.png",
            "age": "23-25",
            "pose": "standing",
            "view": "profile_left",
            "type": "full",
            "ear_side": "left",
        },
    ]


def test_a_posed_picture_under_18_is_refused_unless_its_folder_says_bust_or_ear(tmp_path):
    with pytest.raises(UserError, match="only type ear or bust"):
        rows_of(tmp_path / "a", "age1517/standing_profileleft/a.png")
    rows = rows_of(tmp_path / "b", "age1517/standing_profileleft/bust/a.png")
    assert rows[0]["type"] == "bust"


def test_plain_folders_take_everything_from_the_defaults(tmp_path):
    rest = {"age": "18-22", "view": "front", "type": "bust", "ear_side": "both"}
    rows = rows_of(tmp_path, "holiday 2024/a.png", "b.png", **rest)
    assert [row["image"] for row in rows] == ["b.png", "holiday 2024/a.png"]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["ear_left/a.png"], "'age' is missing.\nOne of: 15-17"),
        (["age2325/standing_profileleftt/a.png"], "Did you mean 'profileleft'?"),
        (["age2325/front/back/a.png"], "'back' says view back, a folder above front"),
        ([], "no images in this folder"),
    ],
    ids=str,
)
def test_folder_names_that_do_not_add_up(tmp_path, names, wanted):
    for name in names:
        picture(tmp_path, name)
    assert wanted in complaint(tmp_path, WHO)


def test_folders_without_consent_are_refused(tmp_path):
    for name in ("a", "b"):
        picture(tmp_path, f"age2325/ear_left/{name}.png")
    text = complaint(tmp_path, {"subject": "anna"})
    assert "no consent record" in text
    assert "ear_left/a.png" in text
    assert "[manifest.defaults] of lorawrap.toml" in text


@pytest.mark.parametrize(
    ("name", "known", "unknown"),
    [
        ("age2325", {"age": "23-25"}, []),
        ("AGE_26-30", {"age": "26-30"}, []),
        ("standing_profile_left", {"pose": "standing", "view": "profile_left"}, []),
        ("right profile", {"view": "profile_right"}, []),
        ("ear_both", {"ear_side": "both"}, []),
        ("clients.torso_full", {"client_class": "clients.torso_full"}, []),
        ("clients_back", {"client_class": "clients.back"}, []),
        ("back", {"view": "back"}, []),
        ("prone bandage", {"pose": "prone", "occlusion": "bandage"}, []),
        ("IMG 2024", {}, ["img", "2024"]),
    ],
)
def test_words_of_a_folders_name(name, known, unknown):
    assert read_name(name) == (known, unknown)


@pytest.mark.parametrize(
    ("field", "written", "wanted"),
    [
        ("image", r'"\ud83d.png"', "line 1: image: is not a path"),
        ("prompt", r'"\ud83d"', "line 1: prompt: has half of a character"),
        ("tags", r'{"light": "\ud83d"}', "line 1: tags: has half of a character"),
        ("subject", r'"\ud83d"', "line 1: subject: "),
        ("ear_box", f"[1, 2, 3, {'9' * 5000}]", "line 1: not JSON: a number with too many digits"),
        ("image", f'"{"x" * 5000}.png"', "line 1: no image 'xxx"),
        ("mask", f'"{"x" * 5000}.png"', "line 1: no mask 'xxx"),
    ],
)
def test_values_that_no_file_can_hold(folder, field, written, wanted):
    line = json.dumps(values(**{field: "HERE"})).replace('"HERE"', written)
    assert wanted in complaint(write(folder, "m.jsonl", line))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_manifest_that_would_never_end_is_not_waited_for(folder):
    os.mkfifo(folder / "m.jsonl")
    assert "not a regular file" in complaint(folder / "m.jsonl")
