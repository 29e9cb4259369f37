"""What starts a child in a group of its own: Ctrl-C at the terminal is for us, and we hand it on."""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def own_group() -> dict[str, Any]:
    """Arguments of `subprocess.Popen`: a session on POSIX, a process group on Windows."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
