"""What a machine that is gone has left: its records and locks still say that it works."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from dataset_tools.files import write_json
from wrapper.left_name import read_name
from wrapper.notebook.stop import Stop
from wrapper.project.layout import ProjectPaths, RunPaths
from wrapper.project.lock import FOLDER
from wrapper.runs.heartbeat import is_silent
from wrapper.runs.record import read_object, read_record, runs_elsewhere

SILENT_S = 15 * 60
"""Who has written nothing for so long has no machine any more."""


def end_cut_off(job: ProjectPaths, *, surely: bool = False) -> list[str]:
    """Mark the runs of machines that are gone as interrupted, so that they can be gone on with; their ids.

    Their locks are taken away too. Raises `Stop` for a run that another machine may still be at, unless the
    user says ``surely``.
    """
    ended = []
    for run in job.all_runs():
        record = read_record(run.record)
        if not runs_elsewhere(record):
            continue
        if not surely and not _is_gone(run):
            raise Stop(
                f"{run.id} seems to be running on another machine: it wrote something just now.",
                "If that machine is gone, run the cell 'Continue'.",
            )
        write_json(run.record, {**record, "status": "interrupted"})
        ended.append(run.id)
    _unlock(job.cache / FOLDER, surely=surely)
    return ended


def _unlock(folder: Path, *, surely: bool) -> None:
    """Empty the notes of other machines: where a drive knows no locks, the notes are the locks."""
    for note in folder.iterdir() if folder.is_dir() else ():
        if _is_elsewhere(note) and (surely or _silence_s((note,)) >= SILENT_S):
            note.write_bytes(b"")


def _is_elsewhere(note: Path) -> bool:
    name = read_name(read_object(note))
    return name is not None and not name.is_here()


def _is_gone(run: RunPaths) -> bool:
    """Silent by the drive's clock, which may be wrong, and while one looks."""
    return _silence_s((run.log, run.events, run.record)) >= SILENT_S and is_silent(run)


def _silence_s(files: Iterable[Path]) -> float:
    """Seconds since any of the files was written."""
    return time.time() - max((path.stat().st_mtime for path in files if path.is_file()), default=0.0)
