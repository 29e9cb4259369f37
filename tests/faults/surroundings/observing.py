"""A command in this process, and what it leaves: which files are there, whole, changed, lost, unfinished."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.faults.surroundings.project import NAME
from tests.faults.surroundings.whole import broken
from wrapper.cli.main import run

LEFT = (".part-", ".old-")
"""Names of what is not finished; the next command of that kind clears it away."""
SAID = 3000
"""So many of the last letters are told."""
_TIMED = (".json", ".jsonl", ".html", ".log", ".db", ".sqlite", "log.txt", ".svg", ".pt", ".pkl")
"""Files that say when, or how long: that they are there is compared, not what is in them."""


def project_in(template: str, place: str) -> Path:
    """A fresh copy of ``template`` in ``place``, under a name that is hard to quote."""
    project = Path(place) / NAME
    shutil.copytree(template, project)
    return project


def command(project: Path, argv: Sequence[str]) -> tuple[int, str]:
    """Exit code and all output; a bug's traceback is in it, with the exit code 99.

    ``{p}`` in ``argv`` is the project's folder; without one, ``--project`` is put behind it.
    """
    given = [one.replace("{p}", str(project)) for one in argv]
    given += [] if given != list(argv) else ["--project", str(project)]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = run(given)
        except BaseException:
            import traceback

            said.write(traceback.format_exc())
            code = 99
    return code, said.getvalue()


def observed(project: Path, argv: Sequence[str], before: dict[str, str]) -> dict[str, Any]:
    """How the command ends, what is broken then, and what of ``before`` is not there any more."""
    return seen(project, *command(project, argv), before)


def seen(project: Path, code: int, said: str, before: dict[str, str]) -> dict[str, Any]:
    lost = [name for name in before if not (project / name).exists()]
    return {"code": code, "said": said[-SAID:], "broken": broken(project, LEFT), "lost": lost}


def after(project: Path, argv: Sequence[str]) -> dict[str, Any]:
    """What the command does once more, when all is well again."""
    code, said = command(project, argv)
    left = [name for name in files(project) if any(part in name for part in LEFT)]
    return {"again": code, "said again": said[-SAID:], "left": left, "made": made(project)}


@contextlib.contextmanager
def happening(what: Callable[[], None], project: Path, when: str | float | None) -> Iterator[list[float]]:
    """Let ``what`` happen: at once, after ``when`` seconds, or as soon as there is a file of that pattern.

    Yields a list that has the moment in it when it happened; what has not until the end does not.
    """
    happened: list[float] = []
    over = threading.Event()

    def comes() -> bool:
        if isinstance(when, str):
            return any(project.glob(when))
        return when is None or time.monotonic() > began + when

    def wait() -> None:
        while not over.is_set() and not comes():
            time.sleep(0.001)
        if not over.is_set():
            happened.append(time.monotonic() - began)
            what()

    began, thread = time.monotonic(), threading.Thread(target=wait)
    thread.start()
    try:
        if when is None:
            thread.join()
        yield happened
    finally:
        over.set()
        thread.join()


def files(project: Path) -> list[str]:
    return sorted(
        (Path(folder) / name).relative_to(project).as_posix()
        for folder, _, names in os.walk(project)
        for name in names
    )


def contents(project: Path) -> dict[str, str]:
    """Each file's name → what is in it."""
    return {name: hashlib.sha256((project / name).read_bytes()).hexdigest() for name in files(project)}


def changed(project: Path, before: dict[str, str], apart: Sequence[str] = (".lorawrap/",)) -> list[str]:
    """The files of ``before`` that are not as they were, those that begin as in ``apart`` passed over."""
    now = contents(project)
    return [name for name in before if not name.startswith(tuple(apart)) and now.get(name) != before[name]]


def made(project: Path) -> dict[str, str]:
    """Each file and its contents; of a LoRA the weights, whose header tells times."""
    found = {}
    for name in files(project):
        if ".lorawrap/locks" in name or name.endswith(("-wal", "-shm")):
            continue
        data = (project / name).read_bytes()
        if name.endswith(".safetensors"):
            data = data[8 + int.from_bytes(data[:8], "little") :]
        found[name] = "" if name.endswith(_TIMED) else hashlib.sha256(data).hexdigest()[:16]
    return found
