"""A manifest's paths stay in its folder: as they are written, and past every link."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.building.ownership import OWNERSHIP_FILE, written_files
from dataset_tools.captioning.captions import caption_from_file
from dataset_tools.errors import UserError
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.manifests.places import Within, inner_path
from dataset_tools.pictures.images import save_png
from tests.dataset_tools.rows import values
from tests.fuzz.mutated import tries

LEADING_OUT = {
    "up": "../secret.png",
    "up, from inside": "photos/../../secret.png",
    "up, with backslashes": "photos\\..\\..\\secret.png",
    "up, and back in": "../set/a.png",
    "up, with a space behind, which Windows drops": "photos/.. /.. /secret.png",
    "dots, which Windows drops": "photos/.../secret.png",
    "absolute": "/etc/passwd",
    "a network share": "\\\\server\\share\\a.png",
    "a network share, with slashes": "//server/share/a.png",
    "a drive": "C:\\photos\\a.png",
    "relative to a drive": "C:a.png",
    "a device's own path": "\\\\.\\PhysicalDrive0",
    "the root, with a backslash": "\\a.png",
    "a drive behind a dot": "./C:/photos/a.png",
    "the root behind a dot": "./\\a.png",
}
DEVICES = (
    "CON",
    "nul.png",
    "photos/aux.jpg",
    "com1",
    "LPT9.png",
    "prn .png",
    "COM¹.png",
    "CONIN$",
    "nul/a.png",
)
NO_PATHS = {"empty": "", "NUL": "a\0.png", "half of a character": "a\ud83d.png"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``<tmp>/a set 'Ж'`` with a.png, and secret.png beside it."""
    made = tmp_path / "a set 'Ж'"
    for path in (made / "a.png", tmp_path / "secret.png", tmp_path / "else" / "b.png"):
        save_png(path, np.zeros((9, 9, 3), np.uint8))
    return made


def told(folder: Path, *, defaults: dict | None = None, **row: str) -> str:
    path = folder / "manifest.json"
    path.write_text(json.dumps([values(**{"image": "a.png", **row})]), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_manifest(path, defaults)
    return caught.value.message


@pytest.mark.parametrize("field", ["image", "mask"])
@pytest.mark.parametrize("path", LEADING_OUT.values(), ids=LEADING_OUT)
def test_what_leads_out_is_refused_on_every_system(path, field, folder):
    assert "leads out of the manifest's folder" in told(folder, **{field: path})


@pytest.mark.parametrize("path", DEVICES)
def test_a_devices_name_is_refused_on_every_system(path, folder):
    (folder / "nul").mkdir()
    assert "name of a device" in told(folder, image=path)


@pytest.mark.parametrize("path", NO_PATHS.values(), ids=NO_PATHS)
def test_what_is_no_path_is_refused(path, folder):
    assert "is not a path" in told(folder, image=path)


@pytest.mark.parametrize(
    "path", ["n" * 300 + ".png", "d/" * 3000 + "a.png", "~/a.png", "$HOME/a.png", "a\nb.png"]
)
def test_a_path_that_no_file_has_is_one_sentence(path, folder):
    assert "no image '" in told(folder, image=path)


def test_odd_names_that_stay_inside_are_taken(folder):
    for name in (
        "con2.png",
        "console.png",
        ".hidden.png",
        "a..b.png",
        "два файла 🙂 'x' \"y\".png",
        "\u202egnp.exe.png",
    ):
        save_png(folder / name, np.zeros((9, 9, 3), np.uint8))
        path = folder / "manifest.json"
        path.write_text(json.dumps([values(image=name)]), encoding="utf-8")
        assert read_manifest(path).rows[0].image == name


def test_the_projects_defaults_cannot_lead_out_either(folder):
    row = {key: value for key, value in values(image="a.png").items()}
    path = folder / "manifest.json"
    path.write_text(json.dumps([row]), encoding="utf-8")
    with pytest.raises(UserError, match="leads out of the manifest's folder"):
        read_manifest(path, {"mask": "../secret.png"})


# Links


def link(folder: Path, name: str, target: Path | str, *, to_folder: bool = False) -> None:
    (folder / name).symlink_to(target, target_is_directory=to_folder)


LINKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a file's": (lambda folder: link(folder, "l.png", folder.parent / "secret.png"), "l.png"),
    "a relative one": (lambda folder: link(folder, "l.png", "../secret.png"), "l.png"),
    "a folder's": (lambda folder: link(folder, "l", folder.parent / "else", to_folder=True), "l/b.png"),
    "a link to a link": (
        lambda folder: (link(folder, "m", "../else", to_folder=True), link(folder, "l.png", "m/b.png")),
        "l.png",
    ),
}


@pytest.mark.parametrize("field", ["image", "mask"])
@pytest.mark.parametrize(("make", "name"), LINKS.values(), ids=LINKS)
def test_a_link_that_leads_out_is_refused(make, name, field, folder):
    make(folder)
    assert f"'{name}' is a link that leads out of" in told(folder, **{field: name})


def test_links_within_the_folder_are_followed(folder, tmp_path):
    (folder / "in").mkdir()
    link(folder / "in", "l.png", "../a.png")
    link(tmp_path, "other way", folder, to_folder=True)  # the manifest's own folder may be a link
    path = tmp_path / "other way" / "manifest.json"
    path.write_text(json.dumps([values(image="in/l.png")]), encoding="utf-8")
    assert len(read_manifest(path).rows) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "dead link"])
def test_what_is_no_file_is_refused_without_waiting(kind, folder):
    place = folder / "l.png"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to({"device": "/dev/zero", "loop": place, "dead link": "gone"}[kind])
    assert "no image 'l.png'" in told(folder, image="l.png")


def test_folders_read_as_a_manifest_hold_to_the_same_rule(folder, tmp_path):
    root = tmp_path / "tree"
    for name in ("age2325/standing_front", "kohya/10_myface woman"):
        (root / name).mkdir(parents=True)
        link(root / name, "l.png", tmp_path / "secret.png")
    given_by_hand = {key: value for key, value in values().items() if key in ("subject", "consent")}
    with pytest.raises(UserError, match="is a link that leads out of"):
        read_manifest(root / "age2325", {**given_by_hand, "age": "23-25"})
    with pytest.raises(UserError, match="is a link that leads out of"):
        read_manifest(
            root / "kohya",
            {**given_by_hand, "age": "23-25", "view": "front", "type": "bust", "ear_side": "both"},
        )


def test_a_caption_is_no_window_on_other_files(tmp_path):
    folder = tmp_path / "kohya" / "10_myface woman"
    save_png(folder / "a.png", np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "private.txt").write_text("a secret", encoding="utf-8")
    link(folder, "a.txt", tmp_path / "private.txt")
    defaults = {key: value for key, value in values().items() if key != "image"}
    with pytest.raises(UserError, match=r"'a.txt' is a link that leads out") as caught:
        read_manifest(folder.parent, defaults)
    assert "a secret" not in caught.value.message
    with pytest.raises(UserError, match="leads out"):
        caption_from_file(folder / "a.png", folder.parent)


def test_a_link_that_was_turned_after_one_command_is_seen_by_the_next(folder):
    link(folder, "l.png", "a.png")
    path = folder / "manifest.json"
    path.write_text(json.dumps([values(image="l.png")]), encoding="utf-8")
    assert read_manifest(path).rows
    (folder / "l.png").unlink()
    link(folder, "l.png", "../secret.png")
    with pytest.raises(UserError, match="leads out"):
        read_manifest(path)


PARTS = (
    "..",
    ".",
    "a",
    "photos",
    ".. ",
    "...",
    "C:",
    "con",
    "\\",
    "/",
    "//",
    " ",
    "~",
    "a.png",
    "\u202e",
    "ü",
)


@tries(500)
@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=7).map("/".join))
def test_whatever_is_taken_lies_below_the_folder(path):
    try:
        taken = inner_path(path)
    except ValueError:
        return
    root = "/r/o/o/t"
    assert os.path.normpath(f"{root}/{taken}").startswith(root)
    windows = taken.replace("/", "\\")
    assert ".." not in [part.rstrip() for part in windows.split("\\")]
    assert not windows.startswith("\\")
    assert windows[1:2] != ":"


def test_within_looks_at_each_folder_once(folder, monkeypatch):
    looked = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: looked.append(path) or real(path))
    within = Within(folder)
    assert all(within.has(folder / "a.png") for _ in range(100))
    assert len(looked) == 2


# Other lists of files that a folder brings along


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../secret.png"])
def test_a_datasets_own_list_cannot_name_files_elsewhere(name, folder):
    digest = f"{random.Random(1).getrandbits(256):064x}"
    (folder / OWNERSHIP_FILE).write_text(f'{{\n{json.dumps(name)}: "{digest}"\n}}\n', encoding="utf-8")
    with pytest.raises(UserError, match="not known whose files"):
        written_files(folder)
