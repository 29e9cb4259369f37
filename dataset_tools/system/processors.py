"""How many processors this process may really use: a container's quota counts, which libraries overlook."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
THREADS = "OMP_NUM_THREADS"
_OURS = "LORAWRAP_THREADS"
"""What `set_threads` wrote last, to tell it from what the user wrote."""


def usable(cgroup: Path = CGROUP) -> int:
    """Processors by affinity, or fewer where a cgroup (v2, v1) gives less time than that."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup)
    return affinity if quota is None else max(1, min(affinity, math.ceil(quota)))


def limit_threads(cgroup: Path = CGROUP) -> None:
    """Keep torch and its children to the quota: threads beyond it mostly wait for one another."""
    count = usable(cgroup)
    if count < (os.cpu_count() or 1):
        set_threads(count)


def set_threads(count: int) -> None:
    """Let torch and its children use ``count`` threads, unless the user has said how many."""
    if os.environ.get(THREADS) in (None, os.environ.get(_OURS)):
        os.environ[THREADS] = os.environ[_OURS] = str(count)


def _quota(cgroup: Path) -> float | None:
    """Processors' worth of time that the cgroup allows, or None for no bound."""
    try:
        allowed, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        allowed, period = _quota_v1(cgroup / "cpu")
    return int(allowed) / int(period) if allowed.isdecimal() and period.isdecimal() and int(period) else None


def _quota_v1(cpu: Path) -> tuple[str, str]:
    try:
        quota, period = (
            (cpu / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")
        )
        return quota.strip(), period.strip()
    except OSError:
        return "", ""
