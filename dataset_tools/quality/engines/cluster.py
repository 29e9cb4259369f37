"""Files measured on a Ray cluster, a few a task; a worker or a node that is lost costs time only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from dataset_tools.errors import UserError
from dataset_tools.quality.engines import Engine
from dataset_tools.quality.engines.worker import TIME_LIMIT_S, Fault, WorkerFault, answer
from dataset_tools.quality.measured_store import measure_version
from dataset_tools.quality.measuring import Facts, Measured, Task
from dataset_tools.system.ray_cluster import joined

if TYPE_CHECKING:
    from ray import ObjectRef

FILES_A_TASK = 16
TASKS_A_PROCESSOR = 2
"""So many are sent out at once, that none waits for its next files."""
RETRIES = 5
"""Of a task whose worker or node was lost."""
RETRIES_ALONE = 1
"""Of a single file that may itself be what ends its worker."""


class OnNode(NamedTuple):
    """What a node says to a task. ``missing``: places of files that are not there."""

    node: str
    version: str
    measured: list[Measured | Fault]
    missing: frozenset[int] = frozenset()


def by_cluster(address: str, workers: int | None = None, limit_s: float = TIME_LIMIT_S) -> Engine:
    """The cluster at ``address``: ``auto``, ``local`` (one for this run alone) or ``host:port``.

    Its nodes need this version of the package, and the pictures under the same paths. UserError where there
    is no Ray, no cluster, or another version on a node.
    """

    def measured(tasks: Iterator[Task]) -> Iterator[tuple[Task, Measured]]:
        with joined(address, "qc") as ray:
            yield from _Dispatch(ray, tasks, workers, limit_s).measured()

    return measured


def measured_on_node(tasks: list[Task], version: str, limit_s: float) -> OnNode:
    """What a Ray task does. Nothing is measured by another version than the one that asked."""
    import cv2

    cv2.setNumThreads(1)
    node, own = socket.gethostname(), _own_version()
    if own != version:
        return OnNode(node, own, [])
    measured = [answer(task, limit_s) for task in tasks]
    missing = frozenset(task.place for task in tasks if not task.path.exists())
    return OnNode(node, own, measured, missing)


@lru_cache
def _own_version() -> str:
    return measure_version()


class _Dispatch:
    """Keeps the cluster busy, and no more tasks under way than that takes."""

    def __init__(self, ray: ModuleType, tasks: Iterator[Task], workers: int | None, limit_s: float) -> None:
        self._ray, self._tasks, self._limit_s = ray, tasks, limit_s
        self._most = TASKS_A_PROCESSOR * (workers or int(ray.cluster_resources().get("CPU", 1)))
        self._remote = ray.remote(measured_on_node)
        self._under_way: dict[ObjectRef, list[Task]] = {}

    def measured(self) -> Iterator[tuple[Task, Measured]]:
        while True:
            while len(self._under_way) < self._most and (tasks := list(islice(self._tasks, FILES_A_TASK))):
                self._send(tasks, RETRIES)
            if not self._under_way:
                return
            (done,), _ = self._ray.wait(list(self._under_way), num_returns=1)
            yield from self._received(done, self._under_way.pop(done))

    def _send(self, tasks: list[Task], retries: int) -> None:
        remote = self._remote.options(max_retries=retries)
        self._under_way[remote.remote(tasks, _own_version(), self._limit_s)] = tasks

    def _received(self, done: Any, tasks: list[Task]) -> Iterator[tuple[Task, Measured]]:
        """A task that could not be finished anywhere is sent again file by file, to tell which one it is."""
        try:
            found: OnNode = self._ray.get(done)
        except self._ray.exceptions.RayTaskError as error:
            raise WorkerFault(str(error)) from error
        except self._ray.exceptions.RayError:
            if len(tasks) == 1:
                yield tasks[0], self._lost()
            for task in tasks if len(tasks) > 1 else ():
                self._send([task], RETRIES_ALONE)
            return
        if found.version != _own_version():
            raise UserError(
                f"qc: node {found.node} of the cluster has another version of the program or its libraries",
                "Install the same one on every node.",
            )
        for task, measured in zip(tasks, found.measured, strict=True):
            yield task, _checked(task, measured, found)

    def _lost(self) -> Measured:
        why = f"ended the process that read it, or took more than {self._limit_s:g} seconds"
        return Measured(Facts(error=why))


def _checked(task: Task, measured: Measured | Fault, found: OnNode) -> Measured:
    if isinstance(measured, Fault):
        raise WorkerFault(measured.text)
    if task.place in found.missing and task.path.exists():
        where = f"not there on node {found.node}"
        return Measured(Facts(error=f"{where}: a cluster's nodes need the pictures under the same paths"))
    return measured
