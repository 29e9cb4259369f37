"""A folder that is gone with its drive is not made again in the empty place."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
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


def test_nothing_is_made_below_a_ground_that_is_gone(project: Path):
    with working_in(project):
        project.rename(project.with_name("away"))
        for make in (whole_file, whole_folder):
            with pytest.raises(UserError, match="cannot be written") as caught, make(project / "runs" / "a"):
                pytest.fail("the work must not begin")
            assert "Where its drive was taken away, bring it back" in caught.value.hint
        with pytest.raises(FileNotFoundError, match=project.parent.name):
            make_folder(project)
        make_folder(project.parent / "another")
    assert sorted(path.name for path in project.parent.iterdir()) == ["another", "away"]


def test_when_the_work_is_done_it_may_be_made_again(project: Path):
    with working_in(project):
        project.rmdir()
    make_folder(project / "qc")
    assert (project / "qc").is_dir()
