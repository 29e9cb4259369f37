"""One job on a node of a cluster: is it the same program, and are the files here?"""

from __future__ import annotations

import os
import platform
import socket
from typing import NamedTuple

from wrapper.sweep.engines import WHERE, Job

GRACE_S = 25.0
"""For a trial that is interrupted: it ends its trainer first."""


class Node(NamedTuple):
    """What a node says of itself before it starts a job."""

    name: str
    program: str
    sees_folder: bool
    gpus: str

    @property
    def where(self) -> str:
        """``node b``, ``node b, GPU 0``."""
        name = f"node {self.name}"
        return f"{name}, GPU {self.gpus}" if self.gpus else name

    def fault(self, job: Job) -> tuple[str, str] | None:
        """Why it must not run ``job``, and what to do; asked where the sweep was started."""
        if self.program != program():
            return (
                f"sweep: node {self.name} has {self.program}, this machine has {program()}",
                "Install the same versions on every node.",
            )
        if not self.sees_folder:
            return (
                f"sweep: node {self.name} does not see {job.log.parent}",
                "Keep the project in a folder that every node has under the same path.",
            )
        return None


def this_node(job: Job) -> Node:
    """Slurm has names of its own for nodes. GPUs are those that the cluster has given to this process."""
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return Node(
        os.environ.get("SLURMD_NODENAME") or socket.gethostname(), program(), job.log.parent.is_dir(), gpus
    )


def program() -> str:
    """What has to be the same everywhere for trials to be comparable, and for a saved state to be read."""
    from importlib.metadata import version

    from wrapper import __version__

    python = ".".join(platform.python_version_tuple()[:2])
    return f"lorawrap {__version__}, Python {python}, torch {version('torch')}"


def placed(job: Job, node: Node) -> Job:
    """The same job, which knows where it runs."""
    return job._replace(env={WHERE: node.where, **job.env})
