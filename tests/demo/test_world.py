"""The demo's project: the same every time, good and bad photographs, nobody's folder overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from dataset_tools.manifests.manifest import read_manifest
from wrapper.demo.world import CLASS_IMAGES, HELD_OUT, TRAIN, write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "демо 'demo'"
    write_world(folder)
    return folder


def test_the_manifest_is_valid_and_splits_as_promised(world: Path):
    manifest = read_manifest(world / "manifest.jsonl")
    splits = [row.split for row in manifest.rows]
    assert splits.count("holdout") == HELD_OUT
    assert splits.count("train") == TRAIN + 6
    assert {row.age for row in manifest.rows} <= {"18-22", "23-25", "26-30", "31-35"}
    assert len(list((world / "class_photos").iterdir())) == CLASS_IMAGES


def test_held_out_photographs_are_not_among_those_trained_on(world: Path):
    rows = [json.loads(line) for line in (world / "manifest.jsonl").read_text().splitlines()]
    held = {(world / row["image"]).read_bytes() for row in rows if row["split"] == "holdout"}
    train = {(world / row["image"]).read_bytes() for row in rows if row["split"] == "train"}
    assert len(held) == HELD_OUT
    assert not held & train


def test_the_world_is_the_same_every_time(world: Path, tmp_path: Path):
    write_world(tmp_path / "again")
    for path in sorted((tmp_path / "again").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (world / path.relative_to(tmp_path / "again")).read_bytes(), path.name


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not the demo's"):
        write_world(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_the_user_edited_stays(world: Path):
    file = world / "lorawrap.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "\n# mine\n", encoding="utf-8")
    write_world(world)
    assert file.read_text(encoding="utf-8").endswith("# mine\n")
    file.write_text(text, encoding="utf-8")
