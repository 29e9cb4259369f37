"""What is asked of the newest runs does not read all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.files import write_json
from wrapper.comparison import shelf
from wrapper.evaluation import checkpoints
from wrapper.project.layout import ProjectPaths, RunPaths


def project_with(number: int, folder: Path) -> ProjectPaths:
    """So many finished runs, each with a checkpoint, and a failed one after them."""
    paths = ProjectPaths(folder)
    for index in range(1, number + 2):
        run = RunPaths(paths.runs / f"stage_a-{index:03d}")
        write_json(run.record, {"status": "succeeded" if index <= number else "failed"})
        run.output.mkdir()
        if index <= number:
            (run.output / "лицо-000001.safetensors").touch()
    return paths


@pytest.mark.parametrize("number", [3, 30])
def test_the_newest_finished_run_is_found_by_few_records(number: int, tmp_path: Path, monkeypatch):
    read, paths = [], project_with(number, tmp_path)
    known = checkpoints.read_record
    monkeypatch.setattr(checkpoints, "read_record", lambda path: read.append(path) or known(path))
    found = checkpoints.finished_run(paths, "stage_a")
    assert found is not None
    assert found.id == f"stage_a-{number:03d}"
    assert len(read) == 2


@pytest.mark.parametrize("number", [3, 30])
def test_the_newest_checkpoints_are_found_in_few_folders(number: int, tmp_path: Path, monkeypatch):
    looked, paths = [], project_with(number, tmp_path)
    kept = shelf._kept
    monkeypatch.setattr(shelf, "_kept", lambda run: looked.append(run.id) or kept(run))
    files = shelf.Shelf((), paths).checkpoints("stage_a")
    assert [path.parent.parent.name for path in files] == [f"stage_a-{number:03d}"]
    assert len(looked) == 2
