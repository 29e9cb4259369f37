"""Files measured by processes on this machine: one that dies or hangs costs one file, not the run."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from dataset_tools.errors import RunFailed
from dataset_tools.quality.engines import Engine
from dataset_tools.quality.engines.worker import (
    TIME_LIMIT_S,
    TOO_LONG,
    Fault,
    WorkerFault,
    died,
    serve,
)
from dataset_tools.quality.measuring import Measured, Task
from dataset_tools.system.processors import THREADS, usable

MOST_WORKERS = 8
FILES_A_WORKER = 8
"""Fewer files than this are not worth one more process."""
WAITING = 4
"""Files that a worker has beside the one it is at."""
LET_GO_S = 5.0


def worker_count(files: int) -> int:
    """How many processes for so many files."""
    return max(1, min(usable(), MOST_WORKERS, files // FILES_A_WORKER))


def by_processes(count: int, limit_s: float = TIME_LIMIT_S) -> Engine:
    """``count`` worker processes; a file that takes longer than ``limit_s`` gets an error."""

    def measured(tasks: Iterator[Task]) -> Iterator[tuple[Task, Measured]]:
        crew = _Crew(tasks, limit_s)
        try:
            yield from crew.measured(count)
        finally:
            crew.end()

    return measured


class _Worker:
    """A process with the files that it has been given, the one it is at first."""

    def __init__(self, limit_s: float) -> None:
        context = get_context("spawn")
        self.connection, its_end = context.Pipe()
        self.process = context.Process(target=serve, args=(its_end, limit_s), daemon=True)
        with _deaf_children(), _single_threaded():
            self.process.start()
        its_end.close()
        self.waiting: deque[Task] = deque()
        self.ready = False

    def give(self, task: Task) -> None:
        self.waiting.append(task)
        with suppress(OSError):  # a dead worker is noticed when it is listened to
            self.connection.send(task)

    def end(self) -> int | None:
        """Its exit code."""
        self.connection.close()
        self.process.join(LET_GO_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        return self.process.exitcode


class _Reply(NamedTuple):
    task: Task
    measured: Measured


class _Crew:
    def __init__(self, tasks: Iterator[Task], limit_s: float) -> None:
        self._tasks, self._limit_s = tasks, limit_s
        self._workers: dict[Connection, _Worker] = {}
        self._tried_twice: set[int] = set()

    def measured(self, count: int) -> Iterator[tuple[Task, Measured]]:
        for task in islice(self._tasks, count):
            self._hire().give(task)
        while self._workers:
            for connection in wait(list(self._workers)):
                yield from self._heard(self._workers[connection])

    def _heard(self, worker: _Worker) -> Iterator[_Reply]:
        """What a worker says; it gets more to do, or goes when there is nothing more."""
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._buried(worker)
            return
        if isinstance(said, Fault):
            raise WorkerFault(said.text)
        if worker.ready:
            yield _Reply(worker.waiting.popleft(), said)
        worker.ready = True
        for task in islice(self._tasks, WAITING + 1 - len(worker.waiting)):
            worker.give(task)
        if not worker.waiting:
            self._let_go(worker)

    def _buried(self, worker: _Worker) -> Iterator[_Reply]:
        """The file that a dead worker was at is tried once more; the rest goes to another worker."""
        code = self._let_go(worker)
        if not worker.ready:
            raise RunFailed(
                f"qc: a worker process could not start (exit code {code})",
                "Most likely too little memory: try --workers 1.",
            )
        if not worker.waiting:
            return
        at = worker.waiting.popleft()
        if code == TOO_LONG or at.place in self._tried_twice:
            yield _Reply(at, died(code, self._limit_s))
        else:
            self._tried_twice.add(at.place)
            worker.waiting.appendleft(at)
        if worker.waiting:
            other = self._hire()
            for task in worker.waiting:
                other.give(task)

    def _hire(self) -> _Worker:
        worker = _Worker(self._limit_s)
        self._workers[worker.connection] = worker
        return worker

    def _let_go(self, worker: _Worker) -> int | None:
        del self._workers[worker.connection]
        return worker.end()

    def end(self) -> None:
        for worker in self._workers.values():
            worker.process.kill()
            worker.end()


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Libraries start no threads of their own in processes started in here: each has its processor."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started in here ignore Ctrl-C, which is this process's to handle."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
