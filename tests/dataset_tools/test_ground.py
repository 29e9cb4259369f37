"""A folder that is gone with its drive is not made again in the empty place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.files import whole_file, whole_folder, write_text
from dataset_tools.system.ground import make_folder, working_in


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "диск 'é' 🙂" / "project"
    folder.mkdir(parents=True)
    return folder


def test_folders_are_made_while_the_ground_is_there(project: Path):
    with working_in(project):
        write_text(project / "runs" / "1" / "a.txt", "a")
        with whole_folder(project / "dataset"):
            pass
    assert sorted(path.name for path in project.iterdir()) == ["dataset", "runs"]


@contextmanager
def pulled_out(project: Path) -> Iterator[None]:
    """Work in ``project``, which is gone."""
    with working_in(project):
        project.rename(project.with_name("away"))
        yield


def gone(project: Path) -> Any:
    return pytest.raises(FileNotFoundError, match=project.name)


def test_nothing_is_made_below_a_ground_that_is_gone(project: Path):
    with gone(project), pulled_out(project):
        for make in (whole_file, whole_folder):
            with pytest.raises(UserError, match="cannot be written") as caught, make(project / "runs" / "a"):
                pytest.fail("the work must not begin")
            assert "Where its drive was taken away, bring it back" in caught.value.hint
        with pytest.raises(FileNotFoundError, match=project.parent.name):
            make_folder(project)
        make_folder(project.parent / "another")
    assert sorted(path.name for path in project.parent.iterdir()) == ["another", "away"]


def test_an_empty_mount_point_is_another_disk(project: Path, monkeypatch: pytest.MonkeyPatch):
    there = Path.stat
    with gone(project), working_in(project):
        of_another = os.stat_result((*there(project)[:2], there(project).st_dev + 1, *there(project)[3:10]))
        monkeypatch.setattr(Path, "stat", lambda self, **how: of_another if self == project else there(self))
        make_folder(project / "runs")


def test_what_was_missed_first_is_not_what_is_told(project: Path):
    with gone(project), pulled_out(project):
        raise UserError("there is no such base model", "Give a diffusers folder")


def test_what_else_went_wrong_is_told_as_it_is(project: Path):
    with pytest.raises(UserError, match="no such base model"), working_in(project):
        raise UserError("there is no such base model")
    with pytest.raises(RunFailed, match="died"), pulled_out(project):
        raise RunFailed("the trainer died")


def test_when_the_work_is_done_it_may_be_made_again(project: Path):
    with gone(project), pulled_out(project):
        pass
    make_folder(project / "qc")
    assert (project / "qc").is_dir()
