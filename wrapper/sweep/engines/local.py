"""Trials on this machine: one after the other, or as many at once as there are slots for them."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from dataset_tools.system.ground import make_folder
from wrapper.launch.children.groups import ask_to_end, kill_group, own_group
from wrapper.launch.children.marks import kill_marked, marked
from wrapper.sweep.engines import WHERE, Change, Engine, Job
from wrapper.sweep.engines.guard import END_S, guarded

POLL_S = 0.1


class Slot(NamedTuple):
    """Where one trial at a time runs; ``where`` is for people."""

    where: str
    env: dict[str, str]


@dataclass
class _Child:
    job: Job
    slot: Slot
    process: subprocess.Popen[bytes]
    mark: str


def by_slots(slots: Sequence[Slot]) -> Engine:
    """Each slot takes the next job of the queue when it is free."""

    def changes(jobs: Sequence[Job]) -> Iterator[Change]:
        queue = _Queue(deque(jobs), list(slots))
        try:
            while queue.waiting or queue.running:
                yield from queue.fill()
                yield from queue.ended()
                time.sleep(POLL_S)
        finally:
            queue.end()

    return changes


@dataclass
class _Queue:
    waiting: deque[Job]
    free: list[Slot]
    running: list[_Child] = field(default_factory=list)

    def fill(self) -> Iterator[Change]:
        while self.waiting and self.free:
            job, slot = self.waiting.popleft(), self.free.pop(0)
            self.running.append(_start(job, slot))
            yield Change(job.trial, "started", slot.where)

    def ended(self) -> Iterator[Change]:
        for child in [one for one in self.running if one.process.poll() is not None]:
            self._let_go(child)
            yield Change(child.job.trial, "ended", child.slot.where, child.process.returncode)

    def end(self) -> None:
        """Ask every trial to end, all at once, and kill what has not after its time of grace."""
        for child in self.running:
            with suppress(ProcessLookupError):
                ask_to_end(child.process)
        until = time.monotonic() + END_S
        for child in list(self.running):
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(until - time.monotonic(), 0))
            self._let_go(child)

    def _let_go(self, child: _Child) -> None:
        self.running.remove(child)
        self.free.append(child.slot)
        kill_group(child.process)
        child.process.wait()
        kill_marked(child.mark)


def _start(job: Job, slot: Slot) -> _Child:
    """Behind a guard: when this process is killed, nothing of the trial is left."""
    mark = uuid.uuid4().hex
    env = {**os.environ, WHERE: slot.where, **slot.env, **job.env, **marked(mark)}
    with _log(job) as log:
        process = subprocess.Popen(
            guarded(job.argv),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **own_group(),
        )
    return _Child(job, slot, process, mark)


def _log(job: Job) -> IO[bytes]:
    make_folder(job.log.parent)
    return job.log.open("ab")
