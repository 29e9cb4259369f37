"""What a build leaves that is killed: the next one clears it away, and nothing of anybody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools import files
from dataset_tools.building.leftovers import clear_leftovers
from tests.dataset_tools.test_build import Photos, built

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX locks and signals")


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    made = Photos(tmp_path / "снимки 'é' 🙂")
    for name in ("a", "b"):
        made.add(name)
    made.add("held", split="holdout")
    return made


@pytest.fixture
def folder(photos: Photos, tmp_path: Path) -> Path:
    """A dataset that was built once, in a folder whose name means something to patterns."""
    built(photos, tmp_path / "данные [1]*")
    return tmp_path / "данные [1]*"


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if path.name.startswith("."))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


KILLED = """
import os, signal, sys
from pathlib import Path
from dataset_tools import files
with files.whole_folder(Path(sys.argv[1])) as new:
    (new / "half").mkdir()
    (new / "half" / "a.png").write_bytes(b"x")
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    replace = Path.replace
    def killing(self, target):
        if self.name.startswith(".part-"):
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)
    Path.replace = killing
"""


@pytest.mark.parametrize("when", ["before", "within the swap"])
def test_a_killed_build_is_cleared_away_and_the_dataset_is_as_it_was(photos, folder, when):
    before = contents(folder)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder), when], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert hidden(folder) != []
    assert folder.exists() == (when == "before")
    built(photos, folder)
    assert hidden(folder) == []
    assert contents(folder) == before


def test_a_build_that_still_runs_is_left_alone(photos, folder):
    with files.whole_folder(folder.parent / folder.name) as new:
        (new / "a").write_text("mine")
        clear_leftovers(folder)
        assert (new / "a").read_text() == "mine"
        for path in new.iterdir():
            path.unlink()
        raised = hidden(folder)
    assert raised == [new.name]


@pytest.mark.parametrize(
    "name", [".part-{}-2-abcdefgh", ".part-{}", ".old-{}-mine", ".old-other-abcdefgh", "part-{}-abcdefgh"]
)
def test_folders_of_other_names_stay(folder, name):
    other = folder.parent / name.format(folder.name)
    other.mkdir()
    (other / "my own.txt").write_text("x")
    clear_leftovers(folder)
    assert (other / "my own.txt").is_file()


def test_what_is_no_dataset_stays_where_it_was_set_aside(folder):
    aside = folder.parent / f".old-{folder.name}-abcdefgh"
    (aside / folder.name).mkdir(parents=True)
    (aside / folder.name / "my own.txt").write_text("x")
    clear_leftovers(folder)
    assert (aside / folder.name / "my own.txt").is_file()
