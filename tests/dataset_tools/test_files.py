"""A place that cannot be written is one sentence, told before the work where possible, and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from dataset_tools.files import check_place, whole_folder, write_text


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "фото 'a' 👂.png"
    path.write_bytes(b"mine")
    return path


@pytest.mark.parametrize("below", ["out.png", "deep/er/out.png"])
def test_a_place_below_a_file_is_refused_before_the_work(photo: Path, below: str):
    with pytest.raises(UserError, match="is a file, not a folder"):
        check_place(photo / below)


def test_a_place_that_is_free_or_may_be_replaced_is_let_through(photo: Path):
    for path in (photo, photo.parent, photo.parent / "new" / "er" / "out.png"):
        check_place(path)
    assert not (photo.parent / "new").exists()


@pytest.mark.parametrize("name", ["below a file", "too long"])
def test_what_the_file_system_refuses_is_the_users_to_mend(photo: Path, name: str):
    path = photo / "x.txt" if name == "below a file" else photo.parent / ("x" * 300)
    with pytest.raises(UserError, match="cannot be written"):
        write_text(path, "text")
    with pytest.raises(UserError, match="cannot be written"), whole_folder(path):
        pytest.fail("the work must not begin")
    assert list(photo.parent.iterdir()) == [photo]
    assert photo.read_bytes() == b"mine"


def test_a_folder_in_the_files_place_is_kept(tmp_path: Path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / "report.html", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
