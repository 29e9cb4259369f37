"""The name that a process leaves in a file, and whether that process still runs: host, number and start.

The number alone says little: another program gets it later. The start is told so that a clock that is set, by
hours or by days, changes nothing about it.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, NamedTuple

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD = 19
"""Of ``/proc/PID/stat``, behind the name in brackets: ticks since the boot (proc_pid_stat(5), field 22)."""


class LeftName(NamedTuple):
    """``started`` is empty where it is not known."""

    host: str
    pid: int
    started: str = ""

    def is_here(self) -> bool:
        """Whether it is a process of this machine: another's cannot be asked."""
        return self.host == socket.gethostname()

    def runs(self) -> bool:
        """Whether it does, and is no zombie; one of another machine is taken to run."""
        if not self.is_here():
            return True
        now = _start_of(self.pid)
        return now is not None and self.started in ("", now)


def own_name() -> LeftName:
    """This process's."""
    return LeftName(socket.gethostname(), os.getpid(), _start_of(os.getpid()) or "")


def read_name(told: Any) -> LeftName | None:
    """The name in what was read from a file; None for anything else."""
    if not isinstance(told, dict) or type(told.get("pid")) is not int:
        return None
    host, started = told.get("host"), told.get("started")
    return LeftName(
        host if isinstance(host, str) else socket.gethostname(),
        told["pid"],
        "" if started is None else str(started),
    )


def _start_of(pid: int) -> str | None:
    """When the process with this number began, in words that stay the same; None for none, or a zombie."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return _since_boot(pid) or f"{process.create_time():.1f}"
    except psutil.NoSuchProcess:
        return None
    except (psutil.Error, OSError):
        return ""


def _since_boot(pid: int) -> str:
    """Linux tells the start by a clock that nobody sets; psutil adds the time of day of the boot to it."""
    try:
        boot = _BOOT.read_text(encoding="ascii").strip()
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return f"{boot} {stat.rpartition(')')[2].split()[_START_FIELD]}"
