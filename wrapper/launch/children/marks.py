"""Processes that are found by a word in their environment, wherever they have gone."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

MARK = "LORAWRAP_LAUNCH"
"""In the environment of a child and of all that it starts: some leave the group (torch's launcher gives each
worker a session of its own), and are found by it. Of a child within a child it names both."""
_POLL_S = 0.2


def marked(mark: str) -> dict[str, str]:
    """The environment of a child by whose ``mark`` everything below it is to be found."""
    return {MARK: f"{os.environ.get(MARK, '')} {mark}".strip()}


def kill_marked(mark: str) -> None:
    """End what left the group: whatever has ``mark`` in its environment, until nothing has."""
    import psutil

    while left := with_mark(mark):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=_POLL_S)


def with_mark(mark: str) -> list[Any]:
    """The processes that have ``mark`` in their environment."""
    import psutil

    return [process for process in psutil.process_iter() if _is_marked(process, mark)]


def _is_marked(process: Any, mark: str) -> bool:
    import psutil

    try:
        marks = process.environ().get(MARK, "").split()
        return mark in marks and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False
