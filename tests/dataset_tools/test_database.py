"""A database beside a report may be lost or broken; a full disk is called that."""

from __future__ import annotations

import errno
import os
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


def test_a_full_disk_is_no_fault_of_the_file(tmp_path: Path):
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        fill(tmp_path / "cache.sqlite")
