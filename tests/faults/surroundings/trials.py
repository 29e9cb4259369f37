"""What is done in a child of `forked`: a command in surroundings that fail, then again in good ones."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.faults.surroundings import disk
from tests.faults.surroundings.whole import broken
from wrapper.cli.main import run

LEFT = (".part-", ".old-")
"""Names of what is not finished; the next command of that kind clears it away."""


PHOTOGRAPHS = ("photos", "masks", "class_photos")


def undisturbed(template: str, place: str, argv: list[str]) -> dict[str, Any]:
    """How many bytes and files the command adds, and what it makes."""
    ground = disk.Disk(Path(place))
    project = _project(template, place)
    before, files = ground.used(), _files(project)
    code, said = _command(project, argv)
    assert code == 0, said
    return {
        "bytes": ground.used() - before,
        "files": len(_files(project)) - len(files),
        "made": _made(project),
    }


def full_disk(
    template: str, place: str, argv: list[str], free: int, of: str = "bytes", again: list[str] | None = None
) -> dict[str, Any]:
    """The disk has room for ``free`` bytes or new files; then there is more, and ``again`` is done."""
    ground = disk.Disk(Path(place))
    project = _project(template, place)
    before = _contents(project)
    (ground.leave if of == "bytes" else ground.leave_inodes)(free)
    first = _observed(project, argv, before)
    ground.make_room()
    return first | _after(project, again or argv)


def read_only_disk(template: str, place: str, argv: list[str]) -> dict[str, Any]:
    """Nothing can be written on the project's disk; then it can."""
    ground = disk.Disk(Path(place))
    project = _project(template, place)
    before = _contents(project)
    ground.only_read(yes=True)
    first = _observed(project, argv, before)
    assert _contents(project) == before
    ground.only_read(yes=False)
    return first | _after(project, argv)


def photographs_read_only(template: str, place: str, argv: list[str]) -> dict[str, Any]:
    """The photographs lie where nothing can be written."""
    disk.Disk(Path(place))
    project = _project(template, place)
    for folder in PHOTOGRAPHS:
        disk.only_read(project / folder)
    before = _contents(project)
    return _observed(project, argv, before) | _after(project, argv)


def photographs_gone(template: str, place: str, argv: list[str], when: str = "") -> dict[str, Any]:
    """The photographs' disk goes away: before the command, or when it has made the file ``when``."""
    ground = disk.Disk(Path(place))
    project = _project(template, place)
    drive = ground.inside(project / "photos")
    before = _contents(project)
    first = _observed_while(project, argv, before, lambda: disk.let_go(drive), when)
    lost = [name for name in first["lost"] if not name.startswith("photos/")]
    ground.inside(project / "photos", Path(template) / "photos")
    return first | {"lost": lost, "changed": _changed(project, before)} | _after(project, argv)


def photographs_unanswered(template: str, place: str, argv: list[str]) -> dict[str, Any]:
    """The photographs' names are there, and their drive gives none of them."""
    disk.Disk(Path(place))
    project = _project(template, place)
    drive = disk.Unanswering(project / "photos", Path(place) / "image")
    before = _contents(project)
    drive.fail()
    first = _observed(project, argv, before)
    drive.mend()
    return first | {"changed": _changed(project, before)} | _after(project, argv)


def project_gone(template: str, place: str, argv: list[str], when: str) -> dict[str, Any]:
    """The project's own disk goes away in the middle of the work."""
    disk.Disk(Path(place))
    project = _project(template, place)
    return _observed_while(project, argv, {}, lambda: disk.let_go(Path(place)), when)


def no_memory(template: str, place: str, argv: list[str], limit_mb: int) -> dict[str, Any]:
    """The process may have so much memory of its own, beyond what it has."""
    disk.Disk(Path(place))
    project = _project(template, place)
    before = _contents(project)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    now = psutil.Process().memory_full_info().data
    resource.setrlimit(resource.RLIMIT_DATA, (now + (limit_mb << 20), limits[1]))
    code, said = _command(project, argv)
    resource.setrlimit(resource.RLIMIT_DATA, limits)
    return _seen(project, code, said, before) | _after(project, argv)


def _changed(project: Path, before: dict[str, str]) -> list[str]:
    now = _contents(project)
    return [
        name
        for name in before
        if not name.startswith(("photos/", ".lorawrap/")) and now.get(name) != before[name]
    ]


def _observed_while(
    project: Path, argv: list[str], before: dict[str, str], happens: Callable[[], None], when: str
) -> dict[str, Any]:
    """As `_observed`; ``happens`` as soon as the file ``when`` is there, at once without one."""
    if not when:
        happens()
        return _observed(project, argv, before)

    def wait() -> None:
        while not list(project.glob(when)):
            time.sleep(0.001)
        happens()

    threading.Thread(target=wait, daemon=True).start()
    return _observed(project, argv, before)


def _after(project: Path, argv: list[str]) -> dict[str, Any]:
    code, said = _command(project, argv)
    left = [name for name in _files(project) if any(part in name for part in LEFT)]
    return {"again": code, "said again": said[-3000:], "left": left, "made": _made(project)}


def _observed(project: Path, argv: list[str], before: dict[str, str]) -> dict[str, Any]:
    """How the command ends, what is broken then, and what of before is neither as it was nor whole."""
    return _seen(project, *_command(project, argv), before)


def _seen(project: Path, code: int, said: str, before: dict[str, str]) -> dict[str, Any]:
    lost = [name for name in before if not (project / name).exists()]
    return {"code": code, "said": said[-3000:], "broken": broken(project, LEFT), "lost": lost}


def _command(project: Path, argv: list[str]) -> tuple[int, str]:
    """Exit code and all output; a bug's traceback is in it, with the exit code 99."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = run([*argv, "--project", str(project)])
        except BaseException:
            import traceback

            said.write(traceback.format_exc())
            code = 99
    return code, said.getvalue()


def _project(template: str, place: str) -> Path:
    project = Path(place) / "проект 'é' 🙂"
    shutil.copytree(template, project)
    return project


def _files(project: Path) -> list[str]:
    return sorted(
        (Path(folder) / name).relative_to(project).as_posix()
        for folder, _, names in os.walk(project)
        for name in names
    )


def _contents(project: Path) -> dict[str, str]:
    return {name: hashlib.sha256((project / name).read_bytes()).hexdigest() for name in _files(project)}


_TIMED = (".json", ".jsonl", ".html", ".log", ".db", ".sqlite", "log.txt", ".svg", ".pt", ".pkl")
"""Files that say when, or how long: that they are there is compared, not what is in them."""


def _made(project: Path) -> dict[str, str]:
    """Each file and its contents; of a LoRA the weights, whose header tells times."""
    made = {}
    for name in _files(project):
        if ".lorawrap/locks" in name or name.endswith(("-wal", "-shm")):
            continue
        data = (project / name).read_bytes()
        if name.endswith(".safetensors"):
            data = data[8 + int.from_bytes(data[:8], "little") :]
        made[name] = "" if name.endswith(_TIMED) else hashlib.sha256(data).hexdigest()[:16]
    return made
