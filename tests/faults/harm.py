"""What is done to a running command, and to whom."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress

Harm = Callable[[int, random.Random], None]


def kill(pid: int, _rng: random.Random) -> None:
    """Kill −9 of ``lorawrap`` alone, as an administrator would, or the kernel when memory is short."""
    os.kill(pid, signal.SIGKILL)


def kill_all(pid: int, rng: random.Random) -> None:
    """Kill −9 of ``lorawrap`` and all that it started, as when a machine is switched off."""
    victims = [pid, *_children(pid)]
    rng.shuffle(victims)
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


def kill_child(pid: int, rng: random.Random) -> None:
    """Kill −9 of one process that ``lorawrap`` started; of itself where there is none."""
    with suppress(ProcessLookupError):  # it ended by itself just now
        os.kill(rng.choice(_children(pid) or [pid]), signal.SIGKILL)


def terminate(pid: int, _rng: random.Random) -> None:
    """SIGTERM, as ``kill`` and service managers send it."""
    os.kill(pid, signal.SIGTERM)


def interrupt(pid: int, _rng: random.Random) -> None:
    """Ctrl-C: SIGINT to the whole foreground group."""
    os.killpg(pid, signal.SIGINT)


def _children(pid: int) -> list[int]:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


HARMS: dict[str, Harm] = {
    "kill": kill,
    "kill all": kill_all,
    "kill a child": kill_child,
    "SIGTERM": terminate,
    "Ctrl-C": interrupt,
}
