"""A disk that is pulled out, or turns read-only, while it is in use, and comes back with what was on it."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.surroundings.disk import LARGE, let_go, mount

SHUT_DOWN = 0x8004587D
"""``EXT4_IOC_SHUTDOWN``: from then on everything on that file system fails with EIO, open files too."""
IMAGE_BYTES = 192 << 20


class Away:
    """A tmpfs at ``place``. Pulled out, the names are gone and an empty folder is there (``umount -l``)."""

    def __init__(self, place: Path, kept: Path) -> None:
        """``kept`` is a path for what keeps the contents."""
        self.place, self.kept = place, kept
        kept.mkdir(parents=True)
        mount("-t", "tmpfs", "-o", f"size={LARGE}", "tmpfs", str(self.kept))
        self.plug()

    def plug(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        mount("--bind", str(self.kept), str(self.place))

    def settle(self) -> None:
        """What was written so far is on it."""

    def pull(self) -> None:
        let_go(self.place)

    def only_read(self) -> None:
        """As soon as nobody has a file open for writing: the kernel refuses before."""
        while subprocess.run(
            ["mount", "-o", "remount,bind,ro", str(self.place)], stderr=subprocess.DEVNULL
        ).returncode:
            time.sleep(0.001)

    def mend(self) -> None:
        """The disk is plugged in again, and can be written."""
        while subprocess.run(["umount", "-l", self.place], stderr=subprocess.DEVNULL).returncode == 0:
            pass
        self.plug()


class Dead(Away):
    """ext4 in a file. Pulled out, its names are there and all else fails: EIO. Mended, it is mounted anew."""

    def __init__(self, place: Path, kept: Path) -> None:
        self.place, self.image = place, kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(parents=True, exist_ok=True)
        self.image.write_bytes(b"")
        os.truncate(self.image, IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], check=True)
        self.plug()

    def mend(self) -> None:
        """On a disk with the same contents: the kernel keeps to what it found while a file of it is open."""
        before, self.image = self.image, self.image.with_name(f"{self.image.name} anew")
        subprocess.run(["cp", "--sparse=always", before, self.image], check=True)
        super().mend()

    def plug(self) -> None:
        mount("-o", "loop,errors=remount-ro", str(self.image), str(self.place))

    def pull(self) -> None:
        folder = os.open(self.place, os.O_RDONLY)
        fcntl.ioctl(folder, SHUT_DOWN, struct.pack("I", 0))
        os.close(folder)

    def settle(self) -> None:
        folder = os.open(self.place, os.O_RDONLY)
        ctypes.CDLL(None).syncfs(folder)
        os.close(folder)

    def only_read(self) -> None:
        """As the kernel does it with a file system that it has found damaged."""
        self.settle()
        device = Path(_device(self.place)).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")


STICKS: dict[str, Callable[[Path, Path], Away]] = {"away": Away, "dead": Dead}


def _device(place: Path) -> str:
    found = subprocess.run(
        ["findmnt", "-n", "-o", "SOURCE", "-M", str(place)], check=True, capture_output=True
    )
    return found.stdout.decode().strip()
