"""A child in a group of its own: Ctrl-C at the terminal is for us, and we hand it on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from wrapper.launch.children.process_windows import end_tree, interrupt


def own_group() -> dict[str, Any]:
    """Arguments of `subprocess.Popen`: a session on POSIX, a process group on Windows."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def ask_to_end(child: subprocess.Popen[bytes]) -> None:
    """Have a program of ours clean up and go: SIGTERM, or Ctrl-Break, which is all that Windows has."""
    if sys.platform == "win32":
        interrupt(child)
    else:
        child.terminate()


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """End all of a group that `own_group` began; on Windows the child and what is below it."""
    if sys.platform == "win32":
        end_tree(child)
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
