"""Commands run one after the other at growing sizes: CPU seconds, peak memory, and how both grow."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.machine import peak_mib

LOOK_EVERY_S, LONGEST_LOOK_S = 0.05, 0.5
LOOKS = 500
"""What runs long is looked at more seldom: after each 500th part of its time so far."""
LARGE = 10.0
"""An exponent is told over sizes at most so many times smaller than the largest: below, Python's start is
most of a figure."""


@dataclass(frozen=True)
class Figure:
    """One run. Memory is the most of any one process: the command's own, and that of its largest child."""

    what: str
    size: int
    cpu_s: float
    wall_s: float
    peak_mib: float
    child_mib: float = 0.0


def lorawrap(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "wrapper", *map(str, arguments)]


def measured(what: str, size: int, command: Sequence[str]) -> Figure:
    """Run ``command``; SystemExit where it fails."""
    before, start = os.times(), time.perf_counter()
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    own = child = 0.0
    with tempfile.TemporaryFile() as said:
        run = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        while run.poll() is None:
            own = max(own, peak_of(run))
            child = max(child, *(peak_of(one) for one in children_of(run)), 0.0)
            time.sleep(min(max((time.perf_counter() - start) / LOOKS, LOOK_EVERY_S), LONGEST_LOOK_S))
        if run.returncode:
            said.seek(0)
            raise SystemExit(f"{command} ended with {run.returncode}: {said.read().decode()[-2000:]}")
    spent = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Figure(what, size, cpu, spent, own, child)


def children_of(run: psutil.Popen) -> list[psutil.Process]:
    """Its processes and theirs; none once it is gone."""
    try:
        return run.children(recursive=True)
    except psutil.Error:
        return []


def peak_of(process: psutil.Process) -> float:
    """The most that it held, MiB; 0 once it is gone."""
    try:
        return peak_mib(process.pid)
    except (OSError, IndexError):
        return 0.0


def exponent(figures: Sequence[Figure]) -> float:
    """Slope of log CPU over log size, by least squares: 1 grows as the work, 2 as its square."""
    largest = max(figure.size for figure in figures)
    some = [figure for figure in figures if figure.size * LARGE >= largest and figure.cpu_s > 0]
    xs, ys = [math.log(figure.size) for figure in some], [math.log(figure.cpu_s) for figure in some]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    apart = sum((x - x_mean) ** 2 for x in xs)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / apart if apart else 0.0


def keep(figure: Figure, file: Path) -> None:
    """Say the figure, and add it to ``file``, in the place of an older one of the same."""
    print(
        f"{figure.what:32s} {figure.size:7d} {figure.cpu_s:9.2f} CPU s {figure.wall_s:8.1f} s "
        f"{figure.peak_mib:6.0f} MiB, child {figure.child_mib:5.0f}",
        flush=True,
    )
    others = [one for one in read(file) if (one.what, one.size) != (figure.what, figure.size)]
    rows = sorted([*others, figure], key=lambda one: (one.what, one.size))
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


def read(file: Path) -> list[Figure]:
    """What `keep` kept; nothing before the first."""
    return [Figure(**row) for row in json.loads(file.read_text(encoding="utf-8"))] if file.is_file() else []
