"""What is done in a child of `forked`: a command within limits, or on a disk that cannot do everything."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.surroundings import disk
from tests.faults.surroundings.drives import MADE
from tests.faults.surroundings.observing import after, changed, command, contents, made, project_in, seen
from tests.faults.surroundings.project import NAME
from tests.faults.surroundings.refusals import REFUSALS, refuse

PATH_BYTES = 4095
LIMITS = {"file size": resource.RLIMIT_FSIZE, "open files": resource.RLIMIT_NOFILE}


def limited(
    template: str, place: str, argv: Sequence[str], of: str, most: int, again: Sequence[str] = ()
) -> dict[str, Any]:
    """No file may be longer than ``most`` bytes, or so many more may be open than are; then any."""
    disk.Disk(Path(place))
    project = project_in(template, place)
    before = contents(project)
    usual = resource.getrlimit(LIMITS[of])
    now = len(list(Path("/proc/self/fd").iterdir())) if of == "open files" else 0
    resource.setrlimit(LIMITS[of], (now + most, usual[1]))
    code, said = command(project, argv)
    resource.setrlimit(LIMITS[of], usual)
    found = seen(project, code, said, before) | {"changed": changed(project, before, MADE)}
    return found | after(project, again or argv)


def refused(template: str, place: str, argv: Sequence[str], what: str) -> dict[str, Any]:
    """The kernel refuses ``what``, before and when the command is given once more."""
    disk.Disk(Path(place))
    project = project_in(template, place)
    before = contents(project)
    refuse(REFUSALS[what])
    found = seen(project, *command(project, argv), before) | {"changed": changed(project, before, MADE)}
    return found | {"first": made(project)} | after(project, argv)


def deep(template: str, place: str, argv: Sequence[str], spare: int) -> dict[str, Any]:
    """A path below the project may have ``spare`` bytes more, and no more than the system takes."""
    above = Path(place)
    room = PATH_BYTES - spare - len(os.fsencode(above)) - len(NAME.encode()) - 3
    above = above.joinpath(*["п" * 100] * (room // 201), "п" * (room % 201 // 2))
    above.mkdir(parents=True)
    project = project_in(template, str(above))
    before = contents(project)
    found = seen(project, *command(project, argv), before)
    return found | {"changed": changed(project, before, MADE), "made": {}}


def cache(template: str, place: str, argv: Sequence[str], how: str) -> dict[str, Any]:
    """The user's own cache is read only, full, a file, or in a home that can only be read."""
    ground = disk.Disk(Path(place))
    project = project_in(template, place)
    folder = Path(place) / "кэш"
    folder.mkdir()
    os.environ["LORAWRAP_CACHE_DIR"] = str(folder / "lorawrap" if how == "gone" else folder)
    if how == "full":
        disk.Disk(folder, "size=4k,nr_inodes=1")
    elif how == "file":
        folder.rmdir()
        folder.write_bytes(b"mine")
    elif how == "home":
        del os.environ["LORAWRAP_CACHE_DIR"]
        os.environ["HOME"] = str(folder)
    if how in ("read only", "gone", "home"):
        disk.only_read(folder)
    assert ground.used()
    before = contents(project)
    code, said = command(project, argv)
    return seen(project, code, said, before) | {
        "changed": changed(project, before, MADE),
        "made": made(project),
    }


def ntfs(template: str, place: str, argv: Sequence[str]) -> dict[str, Any]:
    """On a disk that knows no case: NTFS as Windows has it, by ntfs-3g."""
    image = Path(f"{place} image")
    image.parent.mkdir(parents=True, exist_ok=True)
    Path(place).mkdir()
    image.write_bytes(b"")
    os.truncate(image, 192 << 20)
    subprocess.run(["mkntfs", "-F", "-q", "-Q", image], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["lowntfs-3g", "-o", "ignore_case,windows_names", image, place], check=True)
    try:
        project = Path(place) / NAME
        shutil.copytree(template, project, copy_function=shutil.copyfile)
        before = contents(project)
        found = seen(project, *command(project, argv), before)
        return found | {"changed": changed(project, before, MADE)} | after(project, argv)
    finally:
        subprocess.run(["umount", "-l", place], check=True)
