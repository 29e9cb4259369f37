"""A build after a build: only what was made from something else is made again, all else stays as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dataset_tools.building import making
from dataset_tools.building.ownership import OWNERSHIP_FILE
from dataset_tools.errors import UserError
from tests.dataset_tools.test_build import Photos, built, files

OWN = {"dataset.json", "written.json", "masks_overview.png"}
Marks = dict[str, tuple[int, int]]


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    made = Photos(tmp_path / "снимки 'é' 🙂")
    for name in ("a [1]", "b", "вид"):
        made.add(name)
    made.add("side", view="profile_left")
    made.add("held", split="holdout")
    return made


@pytest.fixture
def folder(photos: Photos, tmp_path: Path) -> Path:
    """A dataset that was built once."""
    built(photos, tmp_path / "dataset")
    return tmp_path / "dataset"


def marks(folder: Path) -> Marks:
    """Inode and time of every file that is made of a photograph."""
    found = {name: (folder / name).stat() for name in files(folder) if name not in OWN}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def remade(before: Marks, after: Marks) -> set[str]:
    return {name for name in after if before.get(name) != after[name]}


def paint(path: Path) -> None:
    array = np.array(Image.open(path))
    array[40:50, 55:60] = 0
    Image.fromarray(array).save(path)


def test_a_changed_photograph_leaves_every_other_file_alone(photos: Photos, folder: Path):
    before = marks(folder)
    paint(photos.root / "photos/b.png")
    built(photos, folder)
    assert remade(before, marks(folder)) == {
        "stage_a/train/front/1_myface woman/b.png",
        "stage_b/train/front/1_myface woman/b.png",
    }


def test_a_changed_mask_changes_that_mask_alone(photos: Photos, folder: Path):
    before = marks(folder)
    paint(photos.root / "photos/b.mask.png")
    built(photos, folder)
    assert remade(before, marks(folder)) == {"stage_b/masks/front/1_myface woman/b.png"}


@pytest.mark.parametrize(
    ("settings", "ends"),
    [
        ({"template": "{{ view }}"}, (".txt",)),
        ({"dilate_px": 2}, ("masks",)),
        ({"trigger": "othr"}, (".txt",)),
        ({"max_repeats": 2}, ()),
        ({"balance_by": ("view", "age")}, ()),
        ({"stages": ("stage_b",)}, ()),
        ({"mirror": True}, ("+mirrored.png", "+mirrored.txt")),
    ],
    ids=str,
)
def test_settings_change_what_hangs_on_them(
    photos: Photos, folder: Path, settings: dict[str, Any], ends: tuple[str, ...]
):
    before = set(marks(folder).values())
    built(photos, folder, **settings)
    new = [name for name, mark in marks(folder).items() if mark not in before]
    assert all(any(end in name for end in ends) for name in new)
    assert bool(new) == bool(ends)


@pytest.mark.parametrize("settings", [{"size": 128}, {"context": 2.0}], ids=str)
def test_another_crop_makes_the_pictures_anew(photos: Photos, folder: Path, settings: dict[str, Any]):
    before = set(marks(folder).values())
    built(photos, folder, **settings)
    new = {name for name, mark in marks(folder).items() if mark not in before}
    assert {name for name in files(folder) if "stage_b" in name and name.endswith(".png")} <= new
    assert not {name for name in new if name.endswith(".txt")}


def test_photographs_that_come_and_go(photos: Photos, folder: Path):
    before = marks(folder)
    photos.add("new")
    built(photos, folder)
    grown = marks(folder)
    assert {Path(name).stem for name in grown if grown[name] not in before.values()} == {"new"}
    photos.rows = [row for row in photos.rows if "/b." not in row["image"]]
    built(photos, folder)
    assert not [name for name in files(folder) if Path(name).stem == "b"]
    assert set(marks(folder).values()) <= set(grown.values())


def test_no_two_files_are_one_on_the_disk(photos: Photos, folder: Path):
    for settings in ({}, {"template": "{{ pose }}"}, {"template": "{{ pose }}", "mirror": True}):
        built(photos, folder, **settings)
        status = [(folder / name).stat() for name in files(folder)]
        assert {one.st_nlink for one in status} == {1}


def test_a_build_from_nothing_gives_the_same_bytes(photos: Photos, folder: Path, tmp_path: Path):
    paint(photos.root / "photos/b.png")
    paint(photos.root / "photos/side.mask.png")
    built(photos, folder, mirror=True, max_repeats=2)
    built(photos, tmp_path / "fresh", mirror=True, max_repeats=2)
    assert files(folder) == files(tmp_path / "fresh")
    for name in set(files(folder)) - {OWNERSHIP_FILE}:
        assert (folder / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()


@pytest.mark.parametrize("stopped_by", [KeyboardInterrupt(), UserError("the disk is full")], ids=repr)
def test_an_interrupted_build_leaves_the_old_one_whole(
    photos: Photos, folder: Path, monkeypatch: pytest.MonkeyPatch, stopped_by: BaseException
):
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
    save, calls = making.save_png, []

    def stop_at_the_third(path: Path, array: np.ndarray) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise stopped_by
        save(path, array)

    monkeypatch.setattr(making, "save_png", stop_at_the_third)
    with pytest.raises(type(stopped_by)):
        built(photos, folder, context=2.0)
    after = {path: (path.stat().st_ino, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
    assert after == before
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_a_dataset_that_was_copied_is_still_known(photos: Photos, folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "копия", copy_function=shutil.copyfile)
    before = marks(tmp_path / "копия")
    built(photos, tmp_path / "копия", template="{{ pose }}")
    assert all(name.endswith(".txt") for name in remade(before, marks(tmp_path / "копия")))


def test_a_note_of_hashes_alone_is_read_and_everything_made_anew(photos: Photos, folder: Path):
    noted = json.loads((folder / OWNERSHIP_FILE).read_text(encoding="utf-8"))
    (folder / OWNERSHIP_FILE).write_text(
        json.dumps({name: said[0] for name, said in noted.items()}, indent=2)
    )
    before = marks(folder)
    built(photos, folder, template="{{ pose }}")
    assert remade(before, marks(folder)) == set(before)


def test_a_note_that_cannot_be_read_stops_the_build(photos: Photos, folder: Path):
    short, no_size = ["00", 1, 2, ""], ["0" * 64, "1", 2, ""]
    notes = [f'{{\n"a": {json.dumps(note)}\n}}\n' for note in (3, short, no_size)]
    for text in ("", "{", "{\n", "[]", '{"a": 3}', '{\n"a": "b",\n', *notes):
        (folder / OWNERSHIP_FILE).write_text(text)
        with pytest.raises(UserError, match="not known whose files lie here"):
            built(photos, folder, context=2.0)
