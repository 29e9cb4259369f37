"""Paths of over 260 characters, on a Windows that does not take them: one sentence, before the work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dataset_tools.building.naming import check_tokens
from dataset_tools.errors import UserError
from tests.platforms.windows.child import lorawrap, started
from tests.platforms.windows.fake_winreg import SWITCH
from wrapper.project.lock import LONGEST_INSIDE

HINT = (
    "  → Work in a folder with a shorter path (C:\\loras), or switch long paths on, as an administrator in "
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("p") / "demo"
    assert lorawrap("demo", "--photos-only", "--out", str(root), folder=root.parent).returncode == 0
    return root


def deep(photos: Path, tmp_path: Path, characters: int) -> Path:
    """The project in a folder whose path has so many characters."""
    name = "я" * (characters - len(str(tmp_path)) - 1)
    shutil.copytree(photos, tmp_path / name)
    assert len(str(tmp_path / name)) == characters
    return tmp_path / name


@pytest.mark.parametrize("command", ["qc", "build", "run"])
def test_a_project_in_too_deep_a_folder_is_refused_before_the_work(
    command: str, photos: Path, tmp_path: Path
):
    folder = deep(photos, tmp_path, 259 - LONGEST_INSIDE + 1)
    before = sorted(folder.rglob("*"))
    done = lorawrap(command, folder=folder, **{SWITCH: "0"})
    said = done.stderr.decode().splitlines()
    assert done.returncode == 2, said
    assert f"this folder's path has {259 - LONGEST_INSIDE + 1} characters" in said[0]
    assert said[1].startswith(HINT)
    assert len(said) == 2
    assert sorted(folder.rglob("*")) == before


def test_it_works_where_there_is_room(photos: Path, tmp_path: Path):
    """On a Windows that does not know the setting yet."""
    folder = deep(photos, tmp_path, 259 - LONGEST_INSIDE)
    for command in ("qc", "build", "render"):
        done = lorawrap(command, folder=folder, **{SWITCH: "absent"})
        assert done.returncode == 0, done.stderr
    longest = max(len(path) for path in map(str, folder.rglob("*")))
    assert longest - len(str(folder)) < LONGEST_INSIDE - 20, "what is being written has 20 more"


WRITE = """
import sys
from pathlib import Path
from dataset_tools.errors import UserError
from dataset_tools.files import whole_folder, write_text
from dataset_tools.system.long_paths import check_room
from dataset_tools.system.system_faults import system_fault, told
if len(sys.argv) > 1:
    check_room(Path("a" * 300), 300)
    sys.exit("no limit")
deep = Path.cwd() / ("a" * 120) / ("b" * 120)
try:
    write_text(deep / "c.txt", "text")
except UserError as error:
    print(error.message, error.hint, sep="|")
try:
    (deep / "c.txt").read_text("utf-8")
except OSError as error:
    print(told(error, system_fault(error)))
"""


def test_any_other_file_is_told_of_by_its_length(tmp_path: Path):
    said, errors = started("-c", WRITE, folder=tmp_path, **{SWITCH: "0"}).communicate(timeout=60)
    assert errors == ""
    written, read = said.splitlines()
    assert "cannot be written (The system cannot find the path specified).|Work in a folder" in written
    assert read.startswith("A path has more characters than the 259 that this Windows takes (The system")


def test_nothing_is_said_where_long_paths_are_on(tmp_path: Path):
    _, errors = started("-c", WRITE, "asked", folder=tmp_path, **{SWITCH: "1"}).communicate(timeout=60)
    assert errors == "no limit\n"


@pytest.mark.parametrize("word", ["я" * 81, "🙂" * 41, "a" * 161], ids=["Cyrillic", "emoji", "Latin"])
def test_a_trigger_that_no_folder_could_be_called_by_is_refused(word: str):
    with pytest.raises(UserError, match="their folder's name takes 160"):
        check_tokens(word, "person")
    check_tokens(word[: len(word) // 2], "person")
