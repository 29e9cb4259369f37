"""What the system says against a program (a full disk, a lost drive, no memory) → a sentence, what to do."""

from __future__ import annotations

import errno
import re
import shutil
from typing import NamedTuple

from dataset_tools.system.long_paths import HINT as LONG_PATHS_HINT
from dataset_tools.system.long_paths import MOST_CHARACTERS, is_too_long


class SystemFault(NamedTuple):
    """``message`` has no full stop: what the system said is put behind it."""

    message: str
    hint: str

    @property
    def on_the_disk(self) -> bool:
        """Whether the place as it is now is at fault, not what was asked of it."""
        return self in (_ROOM, _LARGE, _READ_ONLY, _DRIVE, _HELD, _HANDLES)

    @property
    def is_of_rights(self) -> bool:
        """Whether another place would do."""
        return self == _RIGHTS


_ROOM = SystemFault("The disk is full", "Make room and give the command again.")
_LARGE = SystemFault(
    "The file is too large for its disk",
    "Name a place on another one: FAT32, as on many USB sticks, takes 4 GB at most.",
)
_READ_ONLY = SystemFault(
    "The disk can be read only",
    "Name a place on another one, or mount it for writing; one that met an error is cut off from writing.",
)
_DRIVE = SystemFault(
    "The drive does not answer", "Look at its cable, its mount and its health, and give the command again."
)
_GONE = SystemFault(
    "What was there is not there any more",
    "Where its drive was taken away, bring it back; then give the command again.",
)
_LONG = SystemFault(
    "A name or a path is too long for its disk",
    "Give shorter names, or work in a folder nearer to the top of the disk.",
)
_LONG_PATH = SystemFault(
    f"A path has more characters than the {MOST_CHARACTERS} that this Windows takes", LONG_PATHS_HINT
)
_RIGHTS = SystemFault("A file or a folder may not be read or written", "Change its rights, or its owner.")
_HELD = SystemFault(
    "Another program has a file open",
    "Close it there (a viewer, a sync client, a virus scanner), and give the command again.",
)
_BUSY = SystemFault(
    "A folder is in use, or a disk is mounted there",
    "A folder that is replaced whole can be no mount point: mount the one above it.",
)
_HANDLES = SystemFault("Too many files are open", "Raise the limit (ulimit -n), or end other programs.")
_MEMORY = SystemFault(
    "The computer's memory is used up",
    "End other programs, add swap, or give less at once: smaller pictures, a smaller batch or model.",
)
_HOMELESS = SystemFault(
    "This user has no folder of its own: HOME is not set, and the system knows of none",
    "Set HOME; for the cache alone, LORAWRAP_CACHE_DIR does.",
)
_BY_NUMBER = {
    **dict.fromkeys(("ENOSPC", "EDQUOT"), _ROOM),
    "EFBIG": _LARGE,
    "EROFS": _READ_ONLY,
    "ENAMETOOLONG": _LONG,
    "EBUSY": _BUSY,
    **dict.fromkeys(("EIO", "ENXIO", "ENODEV", "EREMOTEIO", "EUCLEAN", "EBADMSG"), _DRIVE),
    **dict.fromkeys(("ESTALE", "ENOTCONN", "EHOSTDOWN", "ENOLINK", "ESHUTDOWN"), _DRIVE),
    "ENOENT": _GONE,
    **dict.fromkeys(("EACCES", "EPERM"), _RIGHTS),
    **dict.fromkeys(("EMFILE", "ENFILE"), _HANDLES),
    "ENOMEM": _MEMORY,
}
_BY_ERRNO = {getattr(errno, name): fault for name, fault in _BY_NUMBER.items() if hasattr(errno, name)}
_BY_WINERROR = {
    **dict.fromkeys((21, 31, 53, 55, 59, 64, 1117, 1167), _DRIVE),
    **dict.fromkeys((32, 33), _HELD),
}
"""Not ready, failing, network path or name gone, device gone, I/O error: Python calls most of them EINVAL. Of
a file that somebody has open, or part of it, it says EACCES."""
_OTHERS_WORDS = (
    (re.compile(r"os error (28|122)\b|No space left on device|Disk quota exceeded"), _ROOM),
    (re.compile(r"os error 30\b|Read-only file system"), _READ_ONLY),
    (re.compile(r"os error (5|116)\b|Input/output error|Stale file handle"), _DRIVE),
    (re.compile(r"Could not determine home directory"), _HOMELESS),
    (re.compile(r"(can't|annot) allocate memory|[Ii]nsufficient memory|bad_alloc|os error 12\b"), _MEMORY),
    (re.compile(r"failed to map segment from shared object$|cannot map zero-fill pages"), _MEMORY),
)
"""In errors of libraries that hide what the system said: safetensors, torch, OpenCV, Python's own pathlib,
and glibc's loader (elf/dl-load.c): a disk that may hold no programs adds ``: Operation not permitted``."""
_LIBRARY_ERRORS = (
    "SafetensorError",
    "RuntimeError",
    "error",
    "OutOfMemoryError",
    "_ArrayMemoryError",
    "ImportError",
)


def system_fault(error: BaseException) -> SystemFault | None:
    """What to tell a user of ``error``; None when it is not the system's doing, but a bug."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, shutil.Error) or (isinstance(error, OSError) and error.errno is None):
        return _of_words(error)  # of a folder that was copied, of a library that was loaded: words alone
    if isinstance(error, OSError):
        if is_too_long(error.filename) or is_too_long(error.filename2):
            return _LONG_PATH
        return _BY_WINERROR.get(getattr(error, "winerror", 0)) or _of_number(error)
    return _of_words(error) if type(error).__name__ in _LIBRARY_ERRORS else None


def disk_fault(error: BaseException) -> SystemFault | None:
    """What a disk has to do with an error that was raised from what the system said; None for nothing."""
    cause = error.__cause__
    fault = system_fault(cause) if isinstance(cause, OSError) else None
    return fault if fault is not None and fault.on_the_disk else None


def told(error: BaseException, fault: SystemFault) -> str:
    """``fault`` as a sentence, with the file and what the system called it: ``The disk is full (…): a/b``."""
    if not isinstance(error, OSError) or not error.strerror:
        return f"{fault.message}."
    place = f": {error.filename}" if isinstance(error.filename, str) else "."
    return f"{fault.message} ({error.strerror}){place}"


def _of_number(error: OSError) -> SystemFault | None:
    fault = _BY_ERRNO.get(error.errno or 0)
    return None if fault is _GONE and error.filename is None else fault


def _of_words(error: BaseException) -> SystemFault | None:
    said = str(error)
    return next((fault for pattern, fault in _OTHERS_WORDS if pattern.search(said)), None)
