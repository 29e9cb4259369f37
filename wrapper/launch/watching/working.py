"""What the processes of a run do although they say nothing: processor time, bytes moved, the GPU, stacks."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

BUSY_SHARE = 0.01
"""Of one processor: launchers and loaders that only wait take a tenth of it."""
BUSY_BYTES = 1 << 20
_ASK_GPU = ("--query-gpu=utilization.gpu", "--format=csv,noheader")
_ASK_S = 5.0


class Work(NamedTuple):
    """Of a process and all below it, since they began: seconds of processor time, and bytes read or written.

    Bytes are 0 where the system does not tell them (macOS).
    """

    cpu_s: float = 0.0
    moved: int = 0

    def since(self, before: Work, elapsed_s: float) -> str:
        """What was done in ``elapsed_s`` seconds, in words; empty when that is next to nothing."""
        cpu_s, moved = self.cpu_s - before.cpu_s, self.moved - before.moved
        if cpu_s < BUSY_SHARE * elapsed_s and moved < BUSY_BYTES:
            return ""
        return f"{100 * cpu_s / max(elapsed_s, 0.001):.0f} % of a processor, {moved / 1e6:.0f} MB moved"


def work_of(pid: int) -> Work:
    """Processes that end in between take theirs with them: the sum may shrink."""
    found = [_of_one(process) for process in _tree(pid)]
    return Work(sum(one.cpu_s for one in found), sum(one.moved for one in found))


def gpu_use() -> str:
    """``98 %`` for each GPU, as the driver tells it; empty where it does not."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run([program, *_ASK_GPU], capture_output=True, timeout=_ASK_S, check=True).stdout
        return ", ".join(told.decode("ascii", "replace").split("\n")).strip(", ")
    return ""


def ask_for_stacks(pid: int) -> bool:
    """Have the trainers below ``pid`` write where they stand into their output; False when none listens."""
    kind = getattr(signal, "SIGUSR1", None)
    if kind is None:
        return False
    asked = [process for process in _tree(pid) if _listens(process.pid, kind)]
    for process in asked:
        with suppress(ProcessLookupError):
            process.send_signal(kind)
    return bool(asked)


def _tree(pid: int) -> list[Any]:
    import psutil

    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def _of_one(process: Any) -> Work:
    import psutil

    try:
        times = process.cpu_times()
        io = process.io_counters() if hasattr(process, "io_counters") else None
    except (psutil.Error, OSError):
        return Work()
    read, written = (getattr(io, f"{way}_chars", getattr(io, f"{way}_bytes", 0)) for way in ("read", "write"))
    return Work(times.user + times.system, read + written)


def _listens(pid: int, kind: signal.Signals) -> bool:
    """Whether a Python of ours catches the signal; any other it would end. Told by Linux alone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return b"wrapper.trainer." in command and bool(int(caught, 16) >> (kind - 1) & 1)
