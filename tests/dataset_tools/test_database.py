"""A database beside a report may be lost or broken; a full disk is called that."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.database import opened
from dataset_tools.errors import UserError

SCHEMA = "CREATE TABLE IF NOT EXISTS things (value BLOB);"


def test_what_is_no_database_is_named(tmp_path: Path):
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="cannot be used") as caught, opened(path, SCHEMA):
        pass
    assert "Remove it" in caught.value.hint


def fill(path: Path) -> None:
    with opened(path, SCHEMA) as connection:
        connection.execute("PRAGMA max_page_count = 4")
        connection.execute("INSERT INTO things VALUES (zeroblob(1000000))")


LIMITED = """
import resource, sys
from pathlib import Path
from dataset_tools.database import opened
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 15, -1))
with opened(Path(sys.argv[1]), "CREATE TABLE things (value BLOB);") as connection:
    connection.execute("INSERT INTO things VALUES (zeroblob(1000000))")
    connection.commit()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_what_the_system_says_is_told_where_the_database_hides_it(tmp_path: Path):
    argv = [sys.executable, "-c", LIMITED, str(tmp_path / "кэш 'é' 🙂.sqlite")]
    done = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert f"OSError: [Errno {errno.EFBIG}] {os.strerror(errno.EFBIG)}" in done.stderr
    assert [path.name for path in tmp_path.glob(".part-*")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of SQLite's for Unix")
def test_a_path_that_is_too_long_for_it_is_no_fault_of_the_file(tmp_path: Path):
    path = tmp_path.joinpath(*["глубоко" * 15] * 3, "cache.sqlite")
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)), opened(path, SCHEMA):
        pytest.fail("SQLite takes longer paths now")


def test_a_full_disk_is_no_fault_of_the_file(tmp_path: Path):
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        fill(tmp_path / "cache.sqlite")
