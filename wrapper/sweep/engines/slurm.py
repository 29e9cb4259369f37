"""Trials on Slurm, one a job: submitted through submitit, followed by anyone who starts the sweep again."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from dataset_tools.wording import count_of, some
from wrapper.sweep.engines import Change, Engine, Job
from wrapper.sweep.engines.slurm_following import Follower
from wrapper.sweep.engines.slurm_job import job_folders
from wrapper.sweep.engines.slurm_queue import answering, cancel, check_commands, standings
from wrapper.sweep.engines.slurm_settings import settings_of
from wrapper.sweep.engines.slurm_submit import check_folder, check_settings, check_submitit

FOLDER = "slurm"
POLL_S = 5.0
LATE_S = 20.0
"""So long the word of a job that has ended may take through a shared file system."""


def by_slurm(
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] | None = None,
    poll_s: float = POLL_S,
    late_s: float = LATE_S,
) -> Engine:
    """Jobs of the sweep in ``folder``, with ``settings`` from `settings_of`; ``tell`` is given sentences.

    All trials are submitted at once; those that are in the queue from an earlier start are followed. Closing
    the iterator leaves them there. UserError where there is no Slurm, no submitit, or a job is refused.
    """

    def changes(jobs: Sequence[Job]) -> Iterator[Change]:
        check_submitit()
        check_commands()
        check_folder(folder)
        follower = Follower(folder / FOLDER, settings or settings_of(()), tell or _on_stderr, late_s)
        try:
            follower.take(jobs)
            while follower.under_way:
                yield from follower.look()
                if follower.under_way:
                    time.sleep(poll_s)
        finally:
            if follower.under_way:
                follower.tell(_stays(folder, len(follower.under_way)))

    return changes


def look(folder: Path, settings: Mapping[str, Any]) -> None:
    """Ask whether Slurm would take such a job; nothing is submitted, and it may have some of the sweep.

    UserError where `by_slurm` would raise one before it submits anything.
    """
    check_submitit()
    check_commands()
    check_folder(folder)
    answering()
    check_settings(settings)


def _stays(folder: Path, count: int) -> str:
    project, sweep = folder.absolute().parents[1], shlex.quote(folder.name)
    if project != Path.cwd():
        sweep += f" --project {shlex.quote(str(project))}"
    return (
        f"{count_of(count, 'job')} of Slurm went on: `lorawrap sweep run {sweep} --slurm` follows, "
        f"`lorawrap sweep cancel {sweep}` ends them."
    )


def queued(folder: Path) -> dict[str, str]:
    """Trials of the sweep in ``folder`` that Slurm has, waiting or running → the job's id."""
    folders = [(trial, files) for trial, files in job_folders(folder / FOLDER) if files.ids()]
    there = (standings() or {}) if folders else {}
    found = ((trial, files.under_way(there)) for trial, files in folders)
    return {trial: own for trial, own in found if own is not None}


def refuse_queued(folder: Path) -> None:
    """UserError where Slurm has trials of the sweep in ``folder``: asked before they run elsewhere."""
    found = queued(folder)
    if found:
        ids = some(found.values())
        raise UserError(
            f"sweep: Slurm has trials of '{folder.name}' in its queue (job {ids}).",
            "Follow them with --slurm, or end them with lorawrap sweep cancel.",
        )


def cancel_queued(folder: Path) -> dict[str, str]:
    """End all jobs of the sweep in ``folder``, waiting and running: trial → the job's id."""
    check_commands()
    found = queued(folder)
    if found:
        cancel(found.values())
    return found


def _on_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
