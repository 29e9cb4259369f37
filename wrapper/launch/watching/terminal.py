"""A question on the terminal that nobody has to wait for: what was typed is read when there is something."""

from __future__ import annotations

import os
import select
import sys


def can_ask() -> bool:
    """Whether a terminal is this process's to read: not in a notebook, nor behind ``&``."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return sys.platform == "win32" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


def forget_typed() -> None:
    """What was typed before a question is no answer to it."""
    if sys.platform == "win32":
        typed()
        return
    import termios

    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def typed() -> str:
    """A line, or on Windows keys, typed since; empty when there is nothing. Does not wait."""
    if sys.platform == "win32":
        import msvcrt

        keys = ""
        while msvcrt.kbhit():
            keys += msvcrt.getwche()
        return keys.strip()
    handle = sys.stdin.fileno()
    if not select.select([handle], [], [], 0)[0]:
        return ""
    return os.read(handle, 1024).decode("utf-8", "replace").strip()
