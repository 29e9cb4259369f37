"""A place that cannot be written is one sentence, told before the work where possible, and leaves nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools import files
from dataset_tools.errors import UserError
from dataset_tools.files import check_place, remove_unfinished, whole_file, whole_folder, write_text


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


def test_a_folder_that_is_a_mount_point_is_refused_before_the_work(photo: Path, monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda path: path == photo.parent)
    with pytest.raises(UserError, match="cannot be written") as caught, whole_folder(photo.parent):
        pytest.fail("the work must not begin")
    assert "mount the one above it" in caught.value.hint


def test_a_full_disk_says_which_file_it_was(tmp_path: Path):
    def fill() -> None:
        with whole_file(tmp_path / "ухо 🙂.txt"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="ухо 🙂"):
        fill()


def test_a_folder_in_the_files_place_is_kept(tmp_path: Path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / "report.html", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


NAME = "ухо 'a' 👂.json"


KILLED = """
import os, signal, sys
from pathlib import Path
from dataset_tools.files import whole_file
with whole_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("a longer text than comes later")
    os.kill(os.getpid(), signal.SIGKILL)
"""
with_locks = pytest.mark.skipif(files.fcntl is None, reason="Windows has no locks that a rename survives")


@with_locks
def test_what_a_killed_process_left_of_a_file_is_taken_over(tmp_path: Path):
    path = tmp_path / NAME
    child = subprocess.run([sys.executable, "-c", KILLED, path], cwd=Path(__file__).parents[2], check=False)
    assert child.returncode == -signal.SIGKILL
    assert [left.name for left in tmp_path.iterdir()] == [f".part-{NAME}"]
    write_text(path, "text")
    assert {left.name: left.read_text(encoding="utf-8") for left in tmp_path.iterdir()} == {NAME: "text"}


def test_two_at_one_file_do_not_meet(tmp_path: Path):
    path = tmp_path / NAME
    with whole_file(path) as one, whole_file(path) as other:
        assert one != other
        one.write_text("one", encoding="utf-8")
        other.write_text("other", encoding="utf-8")
    assert {left.name: left.read_text(encoding="utf-8") for left in tmp_path.iterdir()} == {NAME: "one"}


@with_locks
def test_where_there_are_no_locks_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(files.fcntl, "flock", no_locks)
    write_text(tmp_path / NAME, "text")
    assert [left.name for left in tmp_path.iterdir()] == [NAME]


def test_a_link_in_the_place_of_a_leftover_is_not_followed(tmp_path: Path, photo: Path):
    (tmp_path / f".part-{NAME}").symlink_to(photo)
    write_text(tmp_path / NAME, "text")
    assert photo.read_bytes() == b"mine"


@with_locks
def test_what_a_killed_process_left_of_a_folder_is_removed(tmp_path: Path):
    left, mine = tmp_path / ".part-state-abcdefgh", tmp_path / ".part-state-of-mine"
    for folder in (left, mine):
        folder.mkdir()
    with whole_folder(tmp_path / "state") as one, whole_folder(tmp_path / "state") as other:
        (one / "a").touch()
        (other / "b").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"state", mine.name}


@with_locks
def test_what_killed_processes_left_goes_and_what_is_being_written_stays(tmp_path: Path, photo: Path):
    left = tmp_path / "run" / ".part-state-abcdefgh"
    left.mkdir(parents=True)
    for place in (left / ".part-a.json", tmp_path / "run" / ".part-b.json", tmp_path / "run" / "c.json"):
        place.touch()
    with whole_file(tmp_path / "run" / "d.json"), whole_folder(tmp_path / "run" / "state") as folder:
        remove_unfinished(tmp_path)
        there = {path.name for path in (tmp_path / "run").iterdir()}
        assert there == {"c.json", ".part-d.json", folder.name}
    assert photo.is_file()


def test_a_folder_that_was_being_replaced_is_put_back_before_it_is_replaced_again(tmp_path: Path):
    aside = tmp_path / ".old-state-abcdefgh" / "state"
    aside.mkdir(parents=True)
    (aside / "mine").touch()
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "state"):
        raise ZeroDivisionError
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["state", "state/mine"]
