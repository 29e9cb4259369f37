"""What is done in a child of `forked`: a command on a disk that is full or cannot be read, then once more."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.faults.surroundings import disk
from tests.faults.surroundings.observing import (
    after,
    changed,
    command,
    contents,
    files,
    happening,
    made,
    observed,
    project_in,
    seen,
)

PHOTOGRAPHS = ("photos", "masks", "class_photos")


def undisturbed(template: str, place: str, argv: Sequence[str]) -> dict[str, Any]:
    """How many bytes and files the command adds, and what it makes."""
    ground = disk.Disk(Path(place))
    project = project_in(template, place)
    before, names = ground.used(), files(project)
    code, said = command(project, argv)
    assert code == 0, said
    return {
        "bytes": ground.used() - before,
        "files": len(files(project)) - len(names),
        "made": made(project),
    }


def full_disk(
    template: str,
    place: str,
    argv: Sequence[str],
    free: int,
    of: str = "bytes",
    again: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The disk has room for ``free`` bytes or new files; then there is more, and ``again`` is done."""
    ground = disk.Disk(Path(place))
    project = project_in(template, place)
    before = contents(project)
    (ground.leave if of == "bytes" else ground.leave_inodes)(free)
    first = observed(project, argv, before)
    ground.make_room()
    return first | after(project, again or argv)


def photographs_read_only(template: str, place: str, argv: Sequence[str]) -> dict[str, Any]:
    """The photographs lie where nothing can be written."""
    disk.Disk(Path(place))
    project = project_in(template, place)
    for folder in PHOTOGRAPHS:
        disk.only_read(project / folder)
    before = contents(project)
    return observed(project, argv, before) | after(project, argv)


def photographs_gone(template: str, place: str, argv: Sequence[str], when: str = "") -> dict[str, Any]:
    """The photographs' disk goes away: before the command, or when it has made the file ``when``."""
    ground = disk.Disk(Path(place))
    project = project_in(template, place)
    drive = ground.inside(project / "photos")
    before = contents(project)
    with happening(lambda: disk.let_go(drive), project, when or None):
        first = observed(project, argv, before)
    lost = [name for name in first["lost"] if not name.startswith("photos/")]
    ground.inside(project / "photos", Path(template) / "photos")
    apart = ("photos/", ".lorawrap/")
    return first | {"lost": lost, "changed": changed(project, before, apart)} | after(project, argv)


def photographs_unanswered(template: str, place: str, argv: Sequence[str]) -> dict[str, Any]:
    """The photographs' names are there, and their drive gives none of them."""
    disk.Disk(Path(place))
    project = project_in(template, place)
    drive = disk.Unanswering(project / "photos", Path(place) / "image")
    before = contents(project)
    drive.fail()
    first = observed(project, argv, before)
    drive.mend()
    return first | {"changed": changed(project, before)} | after(project, argv)


def no_memory(template: str, place: str, argv: Sequence[str], limit_mb: int) -> dict[str, Any]:
    """The process may have so much memory of its own, beyond what it has."""
    disk.Disk(Path(place))
    project = project_in(template, place)
    before = contents(project)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    now = psutil.Process().memory_full_info().data
    resource.setrlimit(resource.RLIMIT_DATA, (now + (limit_mb << 20), limits[1]))
    code, said = command(project, argv)
    resource.setrlimit(resource.RLIMIT_DATA, limits)
    return seen(project, code, said, before) | after(project, argv)
