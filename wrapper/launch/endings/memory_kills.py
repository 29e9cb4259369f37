"""How many processes the kernel has ended for want of memory: looked at before and after a run.

A process that is killed so says nothing, and ends as one does that somebody killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
_COUNT = "oom_kill"


def memory_kills(root: Path = _ROOT) -> int | None:
    """The kernel's count, of our own group of processes where it keeps one; None where it tells nothing.

    cgroup v2 ``memory.events``, v1 ``memory.oom_control``, else ``/proc/vmstat``, which counts the machine's.
    """
    for path in (*_own_group(root), root / "proc/vmstat"):
        count = _count_in(path)
        if count is not None:
            return count
    return None


def _own_group(root: Path) -> Iterator[Path]:
    """Where a container hides the groups above, its own one is at the top."""
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        inside = group.strip("/")
        if "memory" in controllers.split(","):
            yield mounted / "memory" / inside / "memory.oom_control"
            yield mounted / "memory" / "memory.oom_control"
        elif not controllers:
            yield mounted / inside / "memory.events"
            yield mounted / "memory.events"


def _count_in(path: Path) -> int | None:
    fields = (line.split() for line in _text(path).splitlines())
    found = {field[0]: field[1] for field in fields if len(field) == 2}
    return int(found[_COUNT]) if found.get(_COUNT, "").isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
