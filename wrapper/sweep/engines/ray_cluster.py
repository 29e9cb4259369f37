"""Trials on a Ray cluster, one a task; a worker or a node that is lost costs time only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from dataset_tools.errors import UserError
from dataset_tools.system.ray_cluster import joined, ray_for
from wrapper.sweep.engines import Change, Engine, Job
from wrapper.sweep.engines.guard import END_S, run_guarded
from wrapper.sweep.engines.on_node import Node, placed, program, this_node

RETRIES = 3
"""Of a trial whose worker or node was lost."""
SETTLE_S = 3.0
"""Before a trial is started again: what is left of it ends within this time."""
Resources = dict[str, float]
"""What a node has, by Ray's names."""
STOP_S = END_S + 5
"""For all trials when the sweep is stopped; what is left then is killed."""


def by_ray(address: str, *, gpu_share: float | None = None, cpus: float = 1) -> Engine:
    """The cluster at ``address``: ``auto``, ``local`` (one for this sweep alone) or ``host:port``.

    A trial takes ``gpu_share`` of one GPU (None: a whole one where the cluster has any, else none) and
    ``cpus`` processors. UserError where there is no Ray, no cluster, no node that could run a trial, and
    where a node has other versions or does not see the project.
    """
    _checked(gpu_share, cpus)

    def changes(jobs: Sequence[Job]) -> Iterator[Change]:
        with joined(address, "sweep") as ray:
            share = _share(ray, gpu_share, cpus)
            tasks = _Tasks(ray, share, cpus)
            try:
                yield from tasks.changes(jobs)
            finally:
                tasks.end()

    return changes


def look(address: str, *, gpu_share: float | None = None, cpus: float = 1) -> int | None:
    """How many trials the cluster has room for at once; None for ``local``, which is not there before.

    Nothing is run on it. UserError where `by_ray` would raise one before it runs anything.
    """
    _checked(gpu_share, cpus)
    if address == "local":
        ray_for("sweep")
        return None
    with joined(address, "sweep") as ray:
        share = _share(ray, gpu_share, cpus)
        return sum(_room(node, share, cpus) for node in _nodes(ray))


def _room(node: Resources, share: float, cpus: float) -> int:
    """Trials at once on a node: a GPU's parts are not put together from two of them."""
    by_processors = int(node.get("CPU", 0) // cpus)
    return min(by_processors, int(node.get("GPU", 0)) * int(1 / share)) if share else by_processors


def _nodes(ray: ModuleType) -> list[Resources]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _share(ray: ModuleType, asked: float | None, cpus: float) -> float:
    """The part of a GPU that a trial takes. Ray would wait for ever for a node that can run one."""
    nodes = _nodes(ray)
    most_gpus = max(node.get("GPU", 0) for node in nodes)
    share = min(1.0, most_gpus) if asked is None else asked
    if not any(node.get("GPU", 0) >= share and node.get("CPU", 0) >= cpus for node in nodes):
        most_cpus = max(node.get("CPU", 0) for node in nodes)
        raise UserError(
            f"sweep: no node of the cluster has {share:g} of a GPU and {cpus:g} processors for a trial; "
            f"the most are {most_gpus:g} GPUs and {most_cpus:g} processors",
            "Give --gpu-share and --cpus that a node has.",
        )
    return share


def trial_on_node(job: Job, attempt: int, asked_by: str) -> Iterator[Node | int | None]:
    """What a Ray task does: says where it is, then runs the job and says its exit code.

    Nothing is run where the one who asked will refuse it.
    """
    node = this_node(job)
    yield node
    if node.program != asked_by or not node.sees_folder:
        return
    time.sleep(SETTLE_S if attempt else 0)
    yield run_guarded(placed(job, node))


class _Tasks:
    """The tasks under way, each a generator of a `Node` and an exit code."""

    def __init__(self, ray: ModuleType, gpu_share: float, cpus: float) -> None:
        self._ray = ray
        # a generator that was lost is started again here, where it is counted and told
        self._remote = ray.remote(trial_on_node).options(
            num_gpus=gpu_share, num_cpus=cpus, max_retries=0, num_returns="streaming"
        )
        self._under_way: dict[Any, tuple[Job, int]] = {}
        self._where: dict[str, str] = {}

    def changes(self, jobs: Sequence[Job]) -> Iterator[Change]:
        """One change after the other, until every job has ended."""
        for job in jobs:
            self._send(job, 0)
        while self._under_way:
            (task,), _ = self._ray.wait(list(self._under_way), num_returns=1, fetch_local=False)
            yield from self._told(task)

    def _send(self, job: Job, attempt: int) -> None:
        self._under_way[self._remote.remote(job, attempt, program())] = (job, attempt)

    def _told(self, task: Any) -> Iterator[Change]:
        job, _ = self._under_way[task]
        try:
            said = self._ray.get(next(task))
        except self._ray.exceptions.RayTaskError as error:
            if "ModuleNotFoundError" in str(error):
                raise _no_program(error) from error
            raise
        except self._ray.exceptions.RayError:
            yield from self._lost(task)
            return
        if isinstance(said, Node):
            yield self._started(job, said)
            return
        if said is None:
            yield from self._lost(task)
            return
        del self._under_way[task]
        yield Change(job.trial, "ended", self._where[job.trial], said)

    def _started(self, job: Job, node: Node) -> Change:
        if fault := node.fault(job):
            raise UserError(*fault)
        self._where[job.trial] = node.where
        return Change(job.trial, "started", node.where)

    def _lost(self, task: Any) -> Iterator[Change]:
        job, attempt = self._under_way.pop(task)
        if attempt < RETRIES:
            self._send(job, attempt + 1)
        else:
            yield Change(job.trial, "ended", self._where.get(job.trial, "no node"), None)

    def end(self) -> None:
        """End what still runs: each trial may save its state first, and none is left on any node."""
        left = list(self._under_way)
        for task in left:
            self._ray.cancel(task)
        until = time.monotonic() + STOP_S
        while left and (seconds := until - time.monotonic()) > 0:
            done, _ = self._ray.wait(left, num_returns=1, timeout=seconds, fetch_local=False)
            left = [task for task in left if task not in done or not self._has_ended(task)]
        for task in left:
            self._ray.cancel(task, force=True)

    def _has_ended(self, task: Any) -> bool:
        try:
            self._ray.get(next(task))
        except (StopIteration, self._ray.exceptions.RayError):
            return True
        return False


def _no_program(error: Exception) -> UserError:
    """A node says so when it loads what it is to run; the last line names the module."""
    why = str(error).strip().splitlines()[-1]
    return UserError(
        f"sweep: a node of the cluster lacks this program ({why})", "Install the same versions on every node."
    )


def _checked(gpu_share: float | None, cpus: float) -> None:
    if gpu_share is not None and not 0 <= gpu_share <= 1:
        raise UserError(
            f"sweep: --gpu-share {gpu_share:g} is not between 0 and 1.", "A trial takes one GPU, or a part."
        )
    if cpus <= 0 or (cpus > 1 and cpus != int(cpus)):
        raise UserError(
            f"sweep: --cpus {cpus:g}: Ray knows whole processors, and parts of one.", "Give 1 or 2."
        )
