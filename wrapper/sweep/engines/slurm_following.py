"""The jobs of a sweep in Slurm's queue: submitted, followed, and submitted anew when they are lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dataset_tools.errors import UserError
from dataset_tools.wording import count_of
from wrapper.sweep.engines import Change, Job
from wrapper.sweep.engines.slurm_job import Ended, JobFolder
from wrapper.sweep.engines.slurm_queue import Standing, answering, recorded, standings
from wrapper.sweep.engines.slurm_submit import Refused, submit

RETRIES = 3
"""So often a trial is submitted anew whose job was ended from outside and not put back into the queue."""
CANCELLED, OUT_OF_MEMORY = 143, 137
"""Exit codes of a trial that could not say one: ended by SIGTERM, by SIGKILL."""
ORDINARY = frozenset(("", "None", "Resources", "Priority", "BeginTime", "Dependency", "Cleaning"))
"""Reasons for waiting that pass by themselves."""


@dataclass
class Followed:
    """A trial's newest job. ``started``: when it did last; ``over_since``: seen ended, without its word."""

    job: Job
    files: JobFolder
    id: str
    attempt: int = 0
    started: str = ""
    over_since: float | None = None

    def change(self, kind: Literal["started", "ended"], nodes: str, exit_code: int | None = None) -> Change:
        where = f"Slurm job {self.id}" + (f" on {nodes}" if nodes else "")
        return Change(self.job.trial, kind, where, exit_code)


class Follower:
    """Asks Slurm for all jobs at once, and tells what has changed."""

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], tell: Callable[[str], None], late_s: float
    ) -> None:
        self._folder, self._settings, self._late_s = folder, settings, late_s
        self._say, self._said = tell, set[str]()
        self._unsubmitted: list[tuple[Job, int]] = []
        self.under_way: dict[str, Followed] = {}

    def take(self, jobs: Sequence[Job]) -> None:
        """Follow the jobs that are there, submit the others."""
        there = answering()
        for job in jobs:
            files = self._files(job)
            own = files.under_way(there)
            if own is None:
                self._unsubmitted.append((job, 0))
            else:
                self.under_way[job.trial] = Followed(job, files, own)
        if self.under_way:
            there_already = count_of(len(self.under_way), "trial")
            self.tell(f"{there_already} in Slurm's queue already: followed, not submitted again.")
        self._submit()

    def look(self) -> Iterator[Change]:
        """What has changed since the last look."""
        there = self._standings()
        for followed in list(self.under_way.values()):
            if (ended := followed.files.ended(followed.id)) is not None:
                yield from self._ended(followed, ended)
            elif there is not None:
                yield from self._stands(followed, there.get(followed.id, Standing()))
        self._submit()

    def tell(self, sentence: str, what: str = "") -> None:
        """Say it once; ``what`` is the part that makes it another."""
        if (what or sentence) not in self._said:
            self._said.add(what or sentence)
            self._say(sentence)

    def _standings(self) -> dict[str, Standing] | None:
        """None when Slurm does not answer, which tells nothing of its jobs."""
        there = standings()
        if there is None:
            self.tell("Slurm's squeue does not answer now; its jobs go on.")
            return None
        gone = [one.id for one in self.under_way.values() if one.id not in there]
        return {**recorded(gone), **there} if gone else there

    def _ended(self, followed: Followed, ended: Ended) -> Iterator[Change]:
        if ended.fault:
            raise UserError(f"sweep: {ended.fault}", "Install the same versions on every node.")
        if not followed.started:
            yield followed.change("started", ended.where)
        yield self._end(followed, ended.where, ended.exit_code)

    def _end(self, followed: Followed, where: str, exit_code: int | None) -> Change:
        del self.under_way[followed.job.trial]
        return followed.change("ended", where, exit_code)

    def _stands(self, followed: Followed, standing: Standing) -> Iterator[Change]:
        if standing.is_under_way:
            followed.over_since = None
            if standing.phase == "runs" and standing.started != followed.started:
                followed.started = standing.started
                yield followed.change("started", f"node {standing.nodes}")
            elif standing.state == "PENDING" and standing.reason not in ORDINARY:
                self.tell(f"Slurm job {followed.id} waits: {standing.reason}.", standing.reason)
        elif self._is_past_waiting(followed):
            yield from self._without_a_word(followed, standing)

    def _is_past_waiting(self, followed: Followed) -> bool:
        now = time.monotonic()
        followed.over_since = followed.over_since or now
        return now - followed.over_since >= self._late_s

    def _without_a_word(self, followed: Followed, standing: Standing) -> Iterator[Change]:
        where = ", ".join(
            part for part in (standing.nodes and f"node {standing.nodes}", standing.state) if part
        )
        if standing.phase == "cancelled":
            yield self._end(followed, where, CANCELLED)
        elif standing.state == "OUT_OF_MEMORY":
            yield self._end(followed, where, OUT_OF_MEMORY)
        elif followed.attempt >= RETRIES:
            yield self._end(followed, where, None)
        else:
            why = followed.files.complaint(followed.id)
            self.tell(f"Slurm job {followed.id} was lost ({where}) and is submitted anew. {why}".strip())
            del self.under_way[followed.job.trial]
            self._unsubmitted.append((followed.job, followed.attempt + 1))

    def _submit(self) -> None:
        """Submit what is not; a cluster may take only so many jobs of one user at a time."""
        while self._unsubmitted:
            job, attempt = self._unsubmitted[0]
            files = self._files(job)
            try:
                own = submit(job, files, f"lorawrap-{self._folder.parent.name}-{job.trial}", self._settings)
            except Refused as error:
                if not self.under_way:
                    raise
                self.tell(f"{error.message}: {len(self._unsubmitted)} trials wait for room.", error.message)
                return
            del self._unsubmitted[0]
            self.under_way[job.trial] = Followed(job, files, own, attempt)

    def _files(self, job: Job) -> JobFolder:
        return JobFolder((self._folder / job.trial).absolute())
