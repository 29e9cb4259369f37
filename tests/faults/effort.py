"""How much a command has worked: processor seconds of it and of all that it started (Linux).

Moments are drawn by it, not by the clock: on a machine that does other work too they still come in time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
GONE = (FileNotFoundError, ProcessLookupError)


def effort_s(pid: int) -> float:
    """Processor seconds of ``pid``, of its children and theirs, and of those that they have waited for."""
    return TICK_S * sum(map(_ticks, _family(pid)))


def is_there(pid: int) -> bool:
    """Whether a process runs; one that waits to be asked for its exit code does not."""
    try:
        return _stat(pid)[0] not in "ZX"
    except GONE:
        return False


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(*GONE):
            for child in task.read_text().split():
                yield from _family(int(child))


def _ticks(pid: int) -> int:
    with suppress(*GONE):
        return sum(map(int, _stat(pid)[11:15]))
    return 0


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold anything (``man 5 proc_pid_stat``)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
