"""File systems of Windows and of memory cards, mounted from an image where the machine allows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGE_BYTES = 96 << 20
NEEDED = {
    "exfat": ("mkfs.exfat", "mount.exfat-fuse", "losetup", "umount"),
    "ntfs": ("mkfs.ntfs", "lowntfs-3g", "umount"),
}
"""exFAT knows no links and no rights, its times are whole seconds; NTFS is told to keep Windows names. Both
take ``a`` and ``A`` for one."""


def missing(kind: str) -> str:
    """Why ``kind`` cannot be had here; empty when it can be tried."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not Path("/dev/fuse").exists():
        return "only root may mount a file system, by /dev/fuse"
    lacking = [program for program in NEEDED[kind] if shutil.which(program) is None]
    return f"there is no {', '.join(lacking)}" if lacking else ""


@contextmanager
def mounted(kind: str, folder: Path) -> Iterator[Path]:
    """An empty disk below ``folder``. Raises CalledProcessError where it may not be mounted."""
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as stream:
        stream.truncate(IMAGE_BYTES)
    device = ""
    try:
        if kind == "exfat":
            device = _done("losetup", "--find", "--show", str(image))
            _done("mkfs.exfat", device)
            _done("mount.exfat-fuse", device, str(place))
        else:
            _done("mkfs.ntfs", "-q", "-F", "-f", str(image))
            _done("lowntfs-3g", "-o", "windows_names,ignore_case", str(image), str(place))
        try:
            yield place
        finally:
            _done("umount", "--lazy", str(place))
    finally:
        if device:
            _done("losetup", "--detach", device)


def _done(*argv: str) -> str:
    # no pipe for errors: what stays in the background would hold it open
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=60)
    return done.stdout.decode().strip()
