"""The kernel's count of processes that it ended for want of memory: where it stands, and that it counts."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataset_tools.files import write_text
from wrapper.launch.endings.memory_kills import memory_kills

PLACES = {
    "v2": ("0::/a/b", "sys/fs/cgroup/a/b/memory.events", "low 0\noom 3\noom_kill 2\n", 2),
    "v2 in a container": ("0::/a/b", "sys/fs/cgroup/memory.events", "oom_kill 4\n", 4),
    "v1": ("4:memory:/a", "sys/fs/cgroup/memory/a/memory.oom_control", "under_oom 0\noom_kill 1\n", 1),
    "the machine": ("0::/", "proc/vmstat", "nr_free_pages 1\noom_kill 9\n", 9),
    "nowhere": ("0::/", "proc/version", "Linux\n", None),
}


@pytest.mark.parametrize(("group", "path", "text", "count"), PLACES.values(), ids=PLACES)
def test_the_count_of_the_own_group_comes_first(tmp_path: Path, group, path, text, count):
    write_text(tmp_path / "proc/self/cgroup", f"9:name=systemd:/\n{group}\n")
    write_text(tmp_path / path, text)
    assert memory_kills(tmp_path) == count


GREEDY = """
import os, subprocess, sys
from pathlib import Path
from wrapper.launch.endings.memory_kills import memory_kills
Path(sys.argv[1], "cgroup.procs").write_text(str(os.getpid()))
before = memory_kills()
ended = subprocess.run([sys.executable, "-c", "kept = b'x' * (300 << 20)"]).returncode
killed = subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]).returncode
print(ended, memory_kills() - before, killed)
"""


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A group of processes with 64 MB of memory, where one may be made."""
    top = Path("/sys/fs/cgroup")
    old = (top / "memory").is_dir()
    group = (top / "memory" if old else top) / f"lorawrap-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        (group / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(64 << 20))
    except OSError as error:
        pytest.skip(f"no group of processes can be made here: {error}")
    yield group
    group.rmdir()


def test_a_child_whose_memory_is_limited_is_counted(small_group: Path):
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(
        [sys.executable, "-c", GREEDY, str(small_group)], capture_output=True, text=True, env=env, check=True
    )
    assert told.stdout.split() == ["-9", "1", "-9"]
