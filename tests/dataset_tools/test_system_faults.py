"""What the system says → one sentence and what to do; what is a bug of ours stays one."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from dataset_tools.system.system_faults import system_fault, told


def of(name: str, path: str | None = "a drive/фото 🙂.png") -> OSError:
    number = getattr(errno, name)
    return OSError(number, os.strerror(number), path)


class SafetensorError(Exception):
    """By its name alone is a library's error known, without importing the library."""


SAID = {
    "full": (of("ENOSPC"), "The disk is full (No space left on device): a drive/фото 🙂.png"),
    "quota": (of("EDQUOT", None), "The disk is full (Disk quota exceeded)."),
    "too large": (of("EFBIG"), "The file is too large for its disk"),
    "read only": (of("EROFS"), "The disk can be read only (Read-only file system)"),
    "broken drive": (of("EIO"), "The drive does not answer (Input/output error)"),
    "network drive": (of("ESTALE"), "The drive does not answer"),
    "Colab's drive": (of("ENOTCONN"), "The drive does not answer"),
    "taken away": (of("ENOENT"), "What was there is not there any more"),
    "rights": (of("EACCES"), "A file or a folder may not be read or written"),
    "handles": (of("EMFILE", None), "Too many files are open"),
    "memory": (MemoryError(), "The computer's memory is used up."),
    "memory of torch": (
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 4 bytes"),
        "The computer's memory is used up.",
    ),
    "memory for a library that is imported": (
        ImportError("/env/cv2.abi3.so: failed to map segment from shared object"),
        "The computer's memory is used up.",
    ),
    "memory for a library that is loaded": (
        OSError("libgomp.so.1: cannot open shared object file: Cannot allocate memory"),
        "The computer's memory is used up.",
    ),
    "disk of a folder that is copied": (
        shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]),
        "The disk is full.",
    ),
    "a user without a home": (
        RuntimeError("Could not determine home directory."),
        "This user has no folder of its own",
    ),
    "a mount point": (
        of("EBUSY"),
        "A folder is in use, or a disk is mounted there (Device or resource busy)",
    ),
    "a long name": (of("ENAMETOOLONG"), "A name or a path is too long for its disk (File name too long)"),
    "disk of safetensors": (
        SafetensorError("I/O error: No space left on device (os error 28)"),
        "The disk is full.",
    ),
}


@pytest.mark.parametrize(("error", "said"), SAID.values(), ids=SAID)
def test_a_fault_of_the_system_is_a_sentence(error: BaseException, said: str):
    fault = system_fault(error)
    assert fault is not None
    assert told(error, fault).startswith(said)
    assert fault.hint.endswith(".")


def test_a_drive_that_windows_lost_is_known_by_its_number():
    error = of("EINVAL")
    error.winerror = 1167
    assert told(error, system_fault(error)).startswith("The drive does not answer")


@pytest.mark.parametrize(
    "error",
    [
        *(ValueError("No space left"), RuntimeError("size mismatch"), ImportError("no module named x")),
        ImportError("/env/a.so: failed to map segment from shared object: Operation not permitted"),
        *(OSError("of a library"), of("ENOENT", None)),
    ],
    ids=repr,
)
def test_a_bug_stays_a_bug(error: BaseException):
    assert system_fault(error) is None
