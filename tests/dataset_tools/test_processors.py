"""A container's share of processors bounds the threads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataset_tools.system import processors
from dataset_tools.system.processors import limit_threads, set_threads, usable


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    for name in (processors.THREADS, processors._OURS):
        monkeypatch.setenv(name, "")  # so that whatever is set in a test is taken back
        monkeypatch.delenv(name)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu.max": "rubbish"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ],
    ids=[
        "none",
        "v2 unbounded",
        "v2 two",
        "v2 rounded up",
        "v2 little",
        "v2 unreadable",
        "v1 unbounded",
        "v1 three",
    ],
)
def test_a_quota_bounds_the_processors(tmp_path: Path, files: dict[str, str], expected: int):
    assert usable(write(tmp_path, files)) == expected


def test_threads_are_limited_only_where_there_is_a_bound(tmp_path: Path):
    limit_threads(tmp_path)
    assert processors.THREADS not in os.environ
    limit_threads(write(tmp_path, {"cpu.max": "200000 100000"}))
    assert os.environ[processors.THREADS] == "2"


def test_what_the_user_set_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(processors.THREADS, "5")
    limit_threads(write(tmp_path, {"cpu.max": "200000 100000"}))
    assert os.environ[processors.THREADS] == "5"


def test_a_command_may_ask_for_fewer_than_the_quota_gives(tmp_path: Path):
    limit_threads(write(tmp_path, {"cpu.max": "200000 100000"}))
    set_threads(1)
    assert os.environ[processors.THREADS] == "1"


def test_a_command_does_not_overrule_the_user(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(processors.THREADS, "5")
    set_threads(1)
    assert os.environ[processors.THREADS] == "5"
