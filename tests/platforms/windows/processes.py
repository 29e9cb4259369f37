"""Processes as Windows has them: groups that hear Ctrl-Break alone, and any other signal is the end."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

NEW_GROUP = 0x200
BREAK, BREAK_EVENT = signal.SIGQUIT, 1
_POSIX_ONLY = ("start_new_session", "preexec_fn", "pass_fds", "process_group")


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """Refuses what only POSIX has, and takes the flags of Windows."""

    def __init__(self, *args: Any, creationflags: int = 0, **options: Any) -> None:
        if given := [name for name in _POSIX_ONLY if options.get(name)]:
            raise ValueError(f"{given[0]} is not supported on Windows platforms")
        super().__init__(*args, start_new_session=bool(creationflags & NEW_GROUP), **options)

    def send_signal(self, kind: int) -> None:
        if kind == BREAK_EVENT:
            os.killpg(self.pid, BREAK)
        else:
            super().send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def kill(pid: int, kind: int) -> None:
    """``os.kill``: whatever the number, but for Ctrl-Break, the process ends at once."""
    if kind == BREAK_EVENT:
        os.killpg(pid, BREAK)
    else:
        os.kill(pid, signal.SIGKILL)
