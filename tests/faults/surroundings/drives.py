"""What is done in a child of `forked`: a drive is pulled out or can only be read, then all is well again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.surroundings.observing import (
    after,
    changed,
    command,
    contents,
    files,
    happening,
    made,
    project_in,
    seen,
)
from tests.faults.surroundings.sticks import STICKS, Away

STATES = "runs/*/output/*-state"
MADE = ("runs/", "loras/", "images/", "qc/", "dataset/", "export/", "config/", ".lorawrap/", "sweeps/")
"""What commands write: all else in a project is the user's own, and stays as it is."""


def undisturbed(template: str, place: str, argv: Sequence[str], again: Sequence[str] = ()) -> dict[str, Any]:
    """How long the command takes and what it makes, on a disk like that of `disturbed`."""
    Away(Path(place), Path(f"{place} kept"))
    project = project_in(template, place)
    began = time.monotonic()
    code, said = command(project, argv)
    assert code == 0, said
    took = time.monotonic() - began
    return {"took": took, "made": made(project)}


def disturbed(
    template: str,
    place: str,
    argv: Sequence[str],
    what: str,
    kind: str = "away",
    on: str = ".",
    when: str | float | None = None,
    again: Sequence[str] = (),
) -> dict[str, Any]:
    """``what`` (pull, only_read) happens to the project's disk, or to that which is mounted at its ``on``.

    At once, after ``when`` seconds, or as soon as there is a file of that pattern. Then it is mended, and the
    command is given once more: as ``again`` where a training saved a state.
    """
    stick, project = _plugged(template, place, kind, on)
    stick.settle()
    before = contents(project)
    with happening(getattr(stick, what), project, when) as happened:
        began = time.monotonic()
        code, said = command(project, argv)
        took = time.monotonic() - began
    strewn = files(stick.place) if what == "pull" and kind == "away" and happened else []
    stick.mend()
    found = seen(project, code, said, before)
    found |= {"met": bool(happened), "took": took, "strewn": strewn}
    found |= {"changed": changed(project, before, MADE)}
    return found | after(project, again if again and any(project.glob(STATES)) else argv)


def _plugged(template: str, place: str, kind: str, on: str) -> tuple[Away, Path]:
    """The stick, and the project that is on it, or one of whose folders is."""
    ground, kept = Path(place), Path(f"{place} kept")
    if on == ".":
        stick = STICKS[kind](ground, kept)
        return stick, project_in(template, place)
    project = project_in(template, place)
    there = project / on
    aside = ground / "aside"
    if there.is_dir():
        shutil.move(there, aside)
    there.mkdir(parents=True)
    stick = STICKS[kind](there, kept)
    if aside.is_dir():
        shutil.copytree(aside, there, dirs_exist_ok=True)
        shutil.rmtree(aside)
    return stick, project
