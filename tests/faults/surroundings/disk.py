"""A disk of its own for a process: a tmpfs in a private mount namespace, to be filled, locked or lost."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NEW_MOUNTS = 0x00020000
LARGE = "256m"


def why_not() -> str:
    """Why this machine lets no process mount a disk of its own; empty where it does."""
    if sys.platform != "linux":
        return "mounts of a process's own are Linux's"
    tried = subprocess.run(
        ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"], capture_output=True, text=True
    )
    return tried.stderr.strip() or ("" if tried.returncode == 0 else "unshare failed")


def be_alone() -> None:
    """What this process mounts from now on, others do not see, and it ends with the process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    mount("--make-rprivate", "/")


class Disk:
    """A tmpfs mounted at ``place``; `be_alone` comes first."""

    def __init__(self, place: Path, options: str = f"size={LARGE}") -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", options, "tmpfs", str(place))

    def used(self) -> int:
        found = os.statvfs(self.place)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def leave(self, free_bytes: int) -> None:
        """Let so many bytes be free."""
        self._again(f"size={self.used() + max(free_bytes, 0)}")

    def leave_inodes(self, free: int) -> None:
        found = os.statvfs(self.place)
        self._again(f"nr_inodes={found.f_files - found.f_ffree + free}")

    def make_room(self) -> None:
        self._again(f"size={LARGE},nr_inodes=100000")

    def inside(self, folder: Path, source: Path | None = None) -> Path:
        """Put what lies in ``folder``, or in ``source``, on a disk of its own that is mounted there."""
        kept = Path(tempfile.mkdtemp(dir=self.place))
        shutil.copytree(source or folder, kept, dirs_exist_ok=True)
        shutil.rmtree(folder)
        folder.mkdir()
        mount("-t", "tmpfs", "-o", f"size={LARGE}", "tmpfs", str(folder))
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        shutil.rmtree(kept)
        return folder

    def _again(self, options: str) -> None:
        mount("-o", f"remount,{options}", str(self.place))


class Unanswering:
    """``folder`` on a real file system in a file; cut, it has its names and gives no contents: EIO."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder, self.image = folder, image
        image.write_bytes(b"")
        os.truncate(image, 16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", folder, image], check=True)
        shutil.copyfile(image, f"{image} whole")

    def fail(self) -> None:
        self.mend()
        for path in self.folder.rglob("*"):
            path.stat()
        os.truncate(self.image, 4096)

    def mend(self) -> None:
        if self.folder.is_mount():
            subprocess.run(["umount", str(self.folder)], check=True)
        shutil.copyfile(f"{self.image} whole", self.image)
        mount("-o", "loop,ro", str(self.image), str(self.folder))


def only_read(folder: Path) -> None:
    """Mount ``folder`` over itself so that nobody can write in it."""
    mount("--bind", str(folder), str(folder))
    mount("-o", "remount,bind,ro", str(folder))


def let_go(place: Path) -> None:
    """Take a disk away although it is in use: its files are not there any more, the empty folder is."""
    subprocess.run(["umount", "-l", str(place)], check=True)


def mount(*arguments: str) -> None:
    """``mount`` with these arguments; CalledProcessError where it refuses."""
    subprocess.run(["mount", *arguments], check=True)
