"""Where trials run: on this machine's GPUs, on a Ray cluster, on Slurm. Each trial is one child process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

WHERE = "LORAWRAP_TRIAL_RUNS_ON"
"""In the environment of a trial: what its engine says of the place, for people."""


class Job(NamedTuple):
    """One trial to be run: ``argv`` with ``env`` over the environment, its output added to ``log``.

    The command is idempotent: started again after it was cut off, it goes on from its newest saved state,
    and what is done already is not done again. Its exit code is 0 when the trial is trained and measured.
    """

    trial: str
    argv: tuple[str, ...]
    env: dict[str, str]
    log: Path


class Change(NamedTuple):
    """What became of a trial: it was ``started`` somewhere (again), or it ``ended``.

    ``where`` is for people ("GPU 0", "node b", "Slurm job 17"). ``exit_code`` is None for one whose machine
    was lost more often than it is tried again.
    """

    trial: str
    kind: Literal["started", "ended"]
    where: str
    exit_code: int | None = None


Engine = Callable[[Sequence[Job]], Iterator[Change]]
"""Jobs in the order of the queue → what happens to them, as it happens.

Closing the iterator ends every trial that runs, with all of its processes, unless the engine says otherwise.
"""
