"""Kill −9 at a write boundary: before a process opens, renames, links or removes a file the k-th time."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
EVENTS = {
    "os.rename",
    "os.link",
    "os.symlink",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "os.chmod",
    "sqlite3.connect",
}
"""Audit events of the file system (Python, "Audit events table"); ``open`` counts where it may write."""


class Strike(NamedTuple):
    """``role`` (``lorawrap`` or ``trainer``) ends before its boundary number ``at``.

    0: nobody ends, and every role notes the boundaries that it passes in `passed` of ``count``. Only files
    below ``folder`` are looked at.
    """

    role: str
    at: int
    folder: str
    count: str


def passed(count: Path, role: str) -> Path:
    """Where a role notes its boundaries, a line each."""
    return count.with_name(f"{count.name} {role}")


def strike_at(strike: Strike, role: str) -> None:
    """Watch this process from now on."""
    if strike.at and role != strike.role:
        return
    number = 0
    own = os.getpid()

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal number
        if os.getpid() != own or not _is_boundary(event, args, strike.folder):
            return
        number += 1
        if number == strike.at:
            os.kill(own, signal.SIGKILL)
        if not strike.at:
            _note(passed(Path(strike.count), role), f"{number} {event} {args[0]}\n")

    sys.addaudithook(watch)


def _note(path: Path, line: str) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(number, line.encode())
    os.close(number)


def _is_boundary(event: str, args: tuple[Any, ...], folder: str) -> bool:
    if event == "open":
        path, mode, flags = args
        writes = bool(flags & WRITES) or (isinstance(mode, str) and mode.strip("rtb") != "")
        return writes and _below(path, folder)
    return event in EVENTS and _below(args[0], folder)


def _below(path: Any, folder: str) -> bool:
    try:
        return str(Path.cwd() / os.fsdecode(path)).startswith(folder)
    except TypeError:
        return False
