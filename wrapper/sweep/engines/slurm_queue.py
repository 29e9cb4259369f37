"""Slurm's queue as its commands tell it: which of our jobs wait, run, or have ended how."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from typing import Literal, NamedTuple

from dataset_tools.errors import UserError

COMMANDS = ("sbatch", "srun", "squeue", "scancel")
TIMEOUT_S = 60.0
Phase = Literal["waits", "runs", "cancelled", "over"]
PHASES: dict[str, Phase] = {
    **dict.fromkeys(("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD"), "waits"),
    **dict.fromkeys(("SUSPENDED", "STOPPED", "RESV_DEL_HOLD", "SPECIAL_EXIT", "COMPLETING"), "waits"),
    **dict.fromkeys(("RUNNING", "RESIZING", "SIGNALING", "STAGE_OUT"), "runs"),
    **dict.fromkeys(("CANCELLED", "REVOKED"), "cancelled"),
}
"""All other states of Slurm say that a job is over."""


class Standing(NamedTuple):
    """Where a job stands: Slurm's ``state``, its ``nodes`` and when it started there; why it waits."""

    state: str = "gone"
    nodes: str = ""
    started: str = ""
    reason: str = ""

    @property
    def phase(self) -> Phase:
        return PHASES.get(self.state, "over")

    @property
    def is_under_way(self) -> bool:
        return self.phase in ("waits", "runs")


def check_commands() -> None:
    """UserError where Slurm's commands are not there."""
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    if missing:
        raise UserError(
            f"sweep: --slurm needs Slurm's {' and '.join(missing)}, which this machine does not have",
            "Start the sweep on a login node of the cluster.",
        )


def standings() -> dict[str, Standing] | None:
    """All our jobs that Slurm still knows, by id; None when it does not answer now."""
    fields = "%i|%T|%N|%S|%r"
    lines = _asked("squeue", "--noheader", "--states=all", f"--user={os.getuid()}", f"--format={fields}")
    if lines is None:
        return None
    rows = (line.split("|", 4) for line in lines)
    return {row[0]: Standing(*row[1:]) for row in rows if len(row) == 5}


def answering() -> dict[str, Standing]:
    """`standings`; UserError where Slurm does not answer."""
    there = standings()
    if there is None:
        raise UserError("sweep: Slurm's squeue does not answer.", "Start the sweep again when it does.")
    return there


def recorded(ids: Iterable[str]) -> dict[str, Standing]:
    """What the accounting says of jobs that have left the queue; nothing where there is none."""
    asked = ("--allocations", "--noheader", "--parsable2", "--format=JobIDRaw,State,NodeList")
    lines = _asked("sacct", *asked, f"--jobs={','.join(ids)}") if shutil.which("sacct") else None
    rows = (line.split("|") for line in lines or ())
    return {row[0]: Standing(row[1].split()[0], row[2]) for row in rows if len(row) == 3 and row[1]}


def cancel(ids: Iterable[str]) -> None:
    """UserError with what scancel says against it."""
    done = subprocess.run(
        ["scancel", *ids], capture_output=True, timeout=TIMEOUT_S, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        raise UserError(f"sweep: scancel refuses: {done.stderr.strip()}", "See squeue --me.")


def _asked(*argv: str) -> list[str] | None:
    try:
        done = subprocess.run(
            argv, capture_output=True, timeout=TIMEOUT_S, encoding="utf-8", errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None
