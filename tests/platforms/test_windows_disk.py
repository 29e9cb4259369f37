"""Files that somebody holds, on a disk that keeps them as Windows does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.platforms.windows.child import started

BEGIN = """
import sys, threading, time
from pathlib import Path
from dataset_tools import files
from dataset_tools.system import moving
from dataset_tools.errors import UserError
moving.PATIENCE_S = 1.0

def there(pattern="*"):
    return sorted(path.name for path in Path(".").glob(pattern))

def let_go(stream, after_s):
    time.sleep(after_s)
    stream.close()

def held(path, after_s):
    stream = open(path, "rb")
    threading.Thread(target=let_go, args=(stream, after_s), daemon=True).start()
    return stream
"""
CASES = {
    "a scanner lets go in time": """
Path("a.txt").write_text("old", "utf-8")
stream = held("a.txt", 0.3)
files.write_text(Path("a.txt"), "new")
print(Path("a.txt").read_text("utf-8"))
""",
    "a viewer does not let go of a file": """
Path("a.txt").write_text("old", "utf-8")
stream = open("a.txt", "rb")
try:
    files.write_text(Path("a.txt"), "new")
except UserError as error:
    print(error.message, error.hint, *there(), sep="|")
""",
    "a viewer does not let go of a folder": """
Path("d").mkdir()
Path("d/a.txt").write_text("old", "utf-8")
stream = open("d/a.txt", "rb")
try:
    with files.whole_folder(Path("d")) as new:
        (new / "a.txt").write_text("new", "utf-8")
except UserError as error:
    print(error.message, *there(), Path("d/a.txt").read_text("utf-8"), sep="|")
""",
    "a folder is replaced, read-only files and all": """
for text in ("old", "new"):
    with files.whole_folder(Path("d")) as new:
        print(files.is_in_use(new), end=" ")
        (new / "a.txt").write_text(text, "utf-8")
        (new / "a.txt").chmod(0o444)
print(Path("d/a.txt").read_text("utf-8"), *there("**/*"))
""",
    "what was killed is not in use": """
Path(".part-d-abcd1234").mkdir()
Path(".part-d-abcd1234/.in-use").touch()
with files.whole_folder(Path("d")) as new:
    (new / "a").touch()
print(*there("**/*"))
""",
    "a read-only photograph is copied": """
Path("a.png").write_bytes(b"1")
Path("a.png").chmod(0o444)
files.link_or_copy(Path("a.png"), Path("d/a.png"))
moving.remove_tree(Path("d"))
print(Path("d").exists(), oct(Path("a.png").stat().st_mode & 0o777))
""",
}
CLOSE_IT = "Close it there (a viewer, a sync client, a virus scanner), and give the command again."
WHY = "The process cannot access the file because it is being used by another process"
SAID = {
    "a scanner lets go in time": "new",
    "a viewer does not let go of a file": f"a.txt: cannot be written ({WHY}).|{CLOSE_IT}|a.txt",
    "a viewer does not let go of a folder": f"d: cannot be written ({WHY}).|d|old",
    "a folder is replaced, read-only files and all": "True True new a.txt d",
    "what was killed is not in use": "a d",
    "a read-only photograph is copied": "False 0o444",
}


@pytest.mark.parametrize("case", CASES)
def test_files_that_are_held(case: str, tmp_path: Path):
    said, errors = started("-c", BEGIN + CASES[case], folder=tmp_path).communicate(timeout=60)
    assert (said.strip(), errors) == (SAID[case], "")


def test_two_commands_at_once_keep_each_other_out(tmp_path: Path):
    """By ``msvcrt``, whose lock keeps readers out as well; it ends with its process."""
    (tmp_path / "lock.py").write_text(LOCK, encoding="utf-8")
    first = started("lock.py", "first", folder=tmp_path)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    refused = started("lock.py", "second", folder=tmp_path).communicate(timeout=60)[0]
    assert "`lorawrap first` is at work on its qc" in refused
    assert str(first.pid) in refused
    os.killpg(first.pid, 9)
    first.communicate()
    assert started("lock.py", "", folder=tmp_path).communicate(timeout=60)[0] == "held\n"


LOCK = """
import sys, time
from pathlib import Path
from dataset_tools.errors import UserError
from wrapper.project.lock import held

try:
    with held(Path("job/.lorawrap").absolute(), f"lorawrap {sys.argv[1]}", writes=["dataset"], reads=["qc"]):
        print("held", flush=True)
        time.sleep(600 if sys.argv[1] else 0)
except UserError as error:
    print(error.message)
"""
