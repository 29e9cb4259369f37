"""A trial as a job of Slurm: what submitit hands to the node, and the files that tell of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dataset_tools.files import write_json
from wrapper.runs.record import read_object
from wrapper.sweep.engines import Job
from wrapper.sweep.engines.on_node import GRACE_S, Node, placed, program, this_node
from wrapper.sweep.engines.slurm_queue import Standing

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission

RESTARTS = 20
"""So often a job may be put back into the queue: by its time limit, for other jobs, for a lost node."""
DEAF = ("sh", "-c", 'trap "" USR2; exec "$@"', "sh")
"""Slurm's warning signal reaches all processes of a job; it is for the one that submitit has started."""
INTERRUPTED = 130
CUT_OFF = (INTERRUPTED, -signal.SIGINT, -signal.SIGTERM)
"""Exit codes of a trial that was asked to end: these are not its own."""
SUBMITTED = "_submitted.pkl"


class Ended(NamedTuple):
    """How a job ended by its own word. No ``exit_code``: it was put back too often. ``fault``: not run."""

    exit_code: int | None
    where: str
    fault: str = ""


class JobFolder(NamedTuple):
    """Submitit's files of one trial, and ours beside them."""

    path: Path

    def ids(self) -> list[str]:
        """Jobs that were submitted for the trial, the newest last.

        One without the file was cut off while it was submitted: it ends by itself, having done nothing.
        """
        names = (path.name.removesuffix(SUBMITTED) for path in self.path.glob(f"*{SUBMITTED}"))
        return sorted((name for name in names if name.isdecimal()), key=int)

    def under_way(self, there: Mapping[str, Standing]) -> str | None:
        """The newest job, where Slurm has it and the trial has not said its last word."""
        own = next(reversed(self.ids()), None)
        if own is None or own not in there or not there[own].is_under_way:
            return None
        return own if self.ended(own) is None else None

    def ended(self, job_id: str) -> Ended | None:
        found = read_object(self._exit(job_id))
        return Ended(**{name: found.get(name, "") for name in Ended._fields}) if found else None

    def write_ended(self, job_id: str, ended: Ended) -> None:
        write_json(self._exit(job_id), ended._asdict())

    def forget(self, job_id: str) -> None:
        self._exit(job_id).unlink(missing_ok=True)

    def complaint(self, job_id: str) -> str:
        """The last line that a job which could not run the trial has left; srun's own says only that."""
        path = self.path / f"{job_id}_0_log.err"
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return ([""] + lines + [line for line in lines if not line.startswith("srun:")])[-1]

    def _exit(self, job_id: str) -> Path:
        return self.path / f"{job_id}_exit.json"


def job_folders(folder: Path) -> Iterator[tuple[str, JobFolder]]:
    """Each trial that was ever submitted."""
    for path in sorted(folder.glob("*")):
        yield path.name, JobFolder(path)


class TrialOnNode:
    """What submitit pickles: a command and where its files are, nothing of the environment."""

    def __init__(self, job: Job, folder: JobFolder, asked_by: str) -> None:
        self.job, self.folder, self.asked_by = job, folder, asked_by

    def __call__(self) -> None:
        """Run the trial, write how it ended, and end as it did, for Slurm to see."""
        own_id = os.environ["SLURM_JOB_ID"]
        self.folder.forget(own_id)
        node = this_node(self.job)
        ended = self._refusal(node) or Ended(_run(placed(self.job, node)), node.where)
        if ended.exit_code in CUT_OFF:
            sys.exit(INTERRUPTED)  # Slurm knows why, and whether the job is put back
        self.folder.write_ended(own_id, ended)
        if ended.exit_code != 0:
            sys.exit(1 if ended.exit_code is None or ended.exit_code < 0 else ended.exit_code)

    def _refusal(self, node: Node) -> Ended | None:
        if program() != self.asked_by:
            return Ended(None, node.where, f"{node.name} has {program()}")
        put_back_too_often = int(os.environ.get("SLURM_RESTART_COUNT", "0")) > RESTARTS
        return Ended(None, node.where) if put_back_too_often else None

    def checkpoint(self) -> DelayedSubmission:
        """Asked for by submitit before the time is up: the same again, which goes on by itself."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _run(job: Job) -> int:
    """The exit code of the trial. It is Slurm that interrupts it: each process of a job gets its SIGTERM."""
    with job.log.open("ab") as log:
        child = subprocess.Popen(
            [*DEAF, *job.argv],
            env={**os.environ, **job.env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        return child.wait()
    except SystemExit:  # submitit has put the job back
        child.wait()
        raise
    except BaseException:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_S)
        raise
