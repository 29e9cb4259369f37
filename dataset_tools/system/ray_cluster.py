"""A Ray cluster by its address: joined, or said in one sentence why not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from dataset_tools.errors import UserError

ANSWER_S = 10.0
NO_CLUSTER_HINT = "Start one with 'ray start --head', or use --ray local."


@contextmanager
def joined(address: str, command: str) -> Iterator[ModuleType]:
    """Ray, connected to the cluster at ``address`` until the block ends.

    ``address`` is ``auto``, ``local`` (a cluster for this block alone) or ``host:port``. UserError, beginning
    with ``command``, where there is no Ray or no cluster.
    """
    ray = ray_for(command)
    _check(address, command)
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(f"{command}: no Ray cluster at '{address}' ({error})", NO_CLUSTER_HINT) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def ray_for(command: str) -> ModuleType:
    """Ray, or UserError where it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise UserError(
            f"{command}: --ray needs Ray, which is not installed", "pip install 'lorawrap[ray]'"
        ) from error
    return ray


def _check(address: str, command: str) -> None:
    """Ray itself tries an address where nobody answers for minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise UserError(
            f"{command}: '{address}' is no Ray cluster's address", "Write auto, local or HOST:PORT."
        )
    try:
        socket.create_connection((host, int(port)), ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"{command}: no Ray cluster at '{address}' ({error})", NO_CLUSTER_HINT) from error
