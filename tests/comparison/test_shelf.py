"""LoRA files by name, pattern, folder and run; labels by epoch and step."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.comparison.shelf import Shelf, labels
from wrapper.project.layout import ProjectPaths

NAMES = ("my face-000010", "my face-000002", "my face", "my face-step00000005")


@pytest.fixture
def paths(tmp_path) -> ProjectPaths:
    paths = ProjectPaths(tmp_path / "проект 🙂")
    for run, names in {"stage_a-001": NAMES[:1], "stage_a-002": NAMES, "stage_b-001": ()}.items():
        folder = paths.runs / run / "output"
        folder.mkdir(parents=True)
        (folder / "my face-state").mkdir()
        for name in names:
            (folder / f"{name}.safetensors").touch()
    paths.loras.mkdir()
    (paths.loras / "my face_stage_a.safetensors").touch()
    return paths


@pytest.fixture
def shelf(paths) -> Shelf:
    return Shelf((paths.loras,), paths)


IN_ORDER = ["step 5", "epoch 2", "epoch 10", "last"]


@pytest.mark.parametrize("name", ["stage_a-002", "stage_a", "all", "output", "pattern"])
def test_a_runs_checkpoints_come_in_the_order_of_training(shelf, paths, name):
    output = paths.run("stage_a").output
    files = shelf.find({"output": str(output), "pattern": f"{output}/*.safetensors"}.get(name, name))
    assert labels(files) == IN_ORDER


def test_a_file_is_found_by_path_and_by_name(shelf, paths):
    path = paths.loras / "my face_stage_a.safetensors"
    assert shelf.find(str(path)) == shelf.find("my face_stage_a") == shelf.find(path.name) == [path]
    assert shelf.find("my face-000002") == [paths.run("stage_a").output / "my face-000002.safetensors"]
    assert [found.stem for found in shelf.find("my face-0000*")] == ["my face-000010"]  # the first folder's


def test_one_file_is_called_by_its_name_and_equal_names_by_their_runs(paths):
    first, second = (paths.runs / f"stage_a-00{n}" / "output" / "my face-000010.safetensors" for n in (1, 2))
    assert labels([paths.loras / "my face_stage_a.safetensors"]) == ["my face_stage_a"]
    assert labels([first, second]) == ["epoch 10 of stage_a-001", "epoch 10 of stage_a-002"]
    assert labels([first, Path("other.safetensors")]) == ["my face epoch 10", "other"]


def test_what_is_not_there_is_told_with_what_is(shelf):
    with pytest.raises(UserError, match="no LoRA file or run 'stage_a-003'") as caught:
        shelf.find("stage_a-003")
    assert "stage_a-00" in caught.value.hint
