"""``msvcrt.locking`` over Linux' locks of an open file, which belong to a handle as those of Windows do."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

LK_UNLCK, LK_LOCK, LK_NBLCK = 0, 1, 2
_SET_LOCK = 37  # F_OFD_SETLK


def locking(handle: int, mode: int, count: int) -> None:
    """Lock or free ``count`` bytes from where the file stands. The waiting mode gives up in the end."""
    kind = fcntl.F_UNLCK if mode == LK_UNLCK else fcntl.F_WRLCK
    start = os.lseek(handle, 0, os.SEEK_CUR)
    try:
        fcntl.fcntl(handle, _SET_LOCK, struct.pack("hhqqi4x", kind, os.SEEK_SET, start, count, 0))
    except (BlockingIOError, PermissionError):
        number = errno.EACCES if mode == LK_NBLCK else errno.EDEADLK
        raise OSError(number, os.strerror(number)) from None
