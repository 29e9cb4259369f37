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
    """``role`` (``lorawrap`` or ``trainer``) ends before its boundary number ``at``; 0 only counts.

    The number of boundaries passed is written to the file ``count`` by a process that ends by itself. Only
    files below ``folder`` count.
    """

    role: str
    at: int
    folder: str
    count: str


def strike_at(strike: Strike, role: str) -> None:
    """Watch this process from now on."""
    if role != strike.role:
        return
    passed = 0
    own = os.getpid()

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal passed
        if os.getpid() != own or not _is_boundary(event, args, strike.folder):
            return
        passed += 1
        if passed == strike.at:
            os.kill(own, signal.SIGKILL)
        if not strike.at:
            _note(strike.count, f"{passed} {event} {args[0]}\n")

    sys.addaudithook(watch)


def _note(path: str, line: str) -> None:
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
