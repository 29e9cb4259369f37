"""System calls that the kernel refuses with a number of our choice, by a seccomp filter.

For what not every machine can mount: disks without hard links (FAT, exFAT), without locks (some network
drives), with a quota. Children inherit it; nothing takes it back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from typing import NamedTuple

PR_SET_NO_NEW_PRIVS = 38
SECCOMP = 317
SET_FILTER, ALL_THREADS = 1, 1
ALLOW, ERROR = 0x7FFF0000, 0x00050000
LOAD, EQUAL, RETURN, AND = 0x20, 0x15, 0x06, 0x54
NUMBER, THIRD = 0, 32
"""Where ``struct seccomp_data`` has the call's number and the lower half of its third argument."""


class Refusal(NamedTuple):
    """A call by its number on x86-64; with ``flags``, only where its third argument has them all."""

    call: int
    error: int
    flags: int = 0


NEW_FILE = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
"""As `dataset_tools.files.whole_file` opens its files; devices are opened otherwise."""
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "no hard links": (Refusal(86, errno.EPERM), Refusal(265, errno.EPERM)),
    "no locks": (Refusal(73, errno.ENOLCK),),
    "no locks nor links": (
        Refusal(73, errno.EOPNOTSUPP),
        Refusal(86, errno.EOPNOTSUPP),
        Refusal(265, errno.EOPNOTSUPP),
    ),
    "quota": (Refusal(257, errno.EDQUOT, NEW_FILE),),
}


def why_not() -> str:
    """Why no such filter can be had here; empty where it can."""
    return "" if platform.system() == "Linux" and platform.machine() == "x86_64" else "for Linux on x86-64"


def refuse(refusals: Iterable[Refusal]) -> None:
    """From now on in all threads of this process, and in what it starts."""
    program = b"".join([_step(LOAD, 0, 0, NUMBER), *map(_refused, refusals), _step(RETURN, 0, 0, ALLOW)])
    code = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(SECCOMP, SET_FILTER, ALL_THREADS, filter_):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _refused(one: Refusal) -> bytes:
    end = _step(RETURN, 0, 0, ERROR | one.error)
    if not one.flags:
        return _step(EQUAL, 0, 1, one.call) + end
    third = _step(LOAD, 0, 0, THIRD) + _step(AND, 0, 0, one.flags) + _step(EQUAL, 0, 1, one.flags) + end
    return _step(EQUAL, 0, 5, one.call) + third + _step(LOAD, 0, 0, NUMBER)


def _step(code: int, met: int, else_: int, value: int) -> bytes:
    """``struct sock_filter``."""
    return struct.pack("HBBI", code, met, else_, value)
