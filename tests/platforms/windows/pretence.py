"""What our modules see of Python on Windows: no POSIX modules, other ``os``, ``sys`` and ``signal``.

Libraries see the truth, else their own Windows halves would have to be there.
"""

from __future__ import annotations

import builtins
import faulthandler
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from tests.platforms.windows import disk, fake_msvcrt, fake_winreg, processes

OURS = ("wrapper", "dataset_tools", "vendor")
NOT_THERE = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "termios", "tty"}
_OS = """chown fchown forkpty fork geteuid getegid getgid getgroups getloadavg getpgid getpgrp getsid getuid
killpg lchown mkfifo mknod nice openpty posix_fadvise posix_fallocate posix_spawn pread pwrite
register_at_fork sched_getaffinity sched_setaffinity sendfile setgid setpgid setsid setuid statvfs sync
sysconf tcgetpgrp uname wait3 wait4 waitid WNOHANG O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK"""
_SIGNALS = """SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGCHLD SIGALRM SIGPIPE SIGTSTP SIGSTOP SIGCONT SIGXCPU
SIGXFSZ SIGRTMIN alarm setitimer pause pthread_kill pthread_sigmask sigwait sigtimedwait"""
MISSING: Mapping[str, set[str]] = {
    "os": set(_OS.split()),
    "signal": set(_SIGNALS.split()),
    "faulthandler": {"register", "unregister"},
}
"""Names that Python has on POSIX alone."""


class Seen(ModuleType):
    """``module`` with some names missing and some others."""

    def __init__(self, module: ModuleType, **others: Any) -> None:
        super().__init__(module.__name__)
        missing = MISSING.get(module.__name__, set())
        self.__dict__.update(_module=module, _missing=missing, _others=others)

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' on Windows")
        return self._others[name] if name in self._others else getattr(self._module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)


SEEN: Mapping[str, ModuleType] = {
    "os": Seen(os, name="nt", kill=processes.kill, open=disk.open_file),
    "sys": Seen(sys, platform="win32"),
    "signal": Seen(signal, SIGBREAK=processes.BREAK, CTRL_BREAK_EVENT=processes.BREAK_EVENT),
    "faulthandler": Seen(faulthandler),
    "subprocess": Seen(subprocess, CREATE_NEW_PROCESS_GROUP=processes.NEW_GROUP),
    "msvcrt": fake_msvcrt,
    "winreg": fake_winreg,
}
_import = builtins.__import__


def pretend() -> None:
    """Begin; there is no way back in this process."""
    builtins.__import__ = _imported
    subprocess.Popen = processes.Popen
    disk.begin()


def _imported(name: str, globals: Any = None, *rest: Any, **others: Any) -> ModuleType:
    package = (globals or {}).get("__package__") or (globals or {}).get("__name__") or ""
    if package.partition(".")[0] in OURS:
        if name.partition(".")[0] in NOT_THERE:
            raise ModuleNotFoundError(f"No module named '{name}' on Windows", name=name)
        if name in SEEN:
            return SEEN[name]
    return _import(name, globals, *rest, **others)
