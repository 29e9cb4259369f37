"""``python -m wrapper.sweep.engines.guard PID COMMAND …``: runs a command, and ends it when PID is gone.

A process that is killed cannot end what it started. A worker of a cluster, which may be killed at any moment,
starts its command behind this one, which has a session of its own and outlives the worker by half a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

from dataset_tools.errors import UserError
from wrapper.launch.children.groups import ask_to_end, own_group
from wrapper.launch.children.process import run
from wrapper.launch.command import Command
from wrapper.sweep.engines import Job
from wrapper.sweep.engines.on_node import GRACE_S

CANNOT_START, INTERRUPTED = 127, 130
POLL_S = 0.5
END_S = 2 * GRACE_S + 5
"""For a guard that is terminated: its command may have to be terminated, and then killed."""


def guarded(argv: tuple[str, ...]) -> tuple[str, ...]:
    """``argv`` behind a guard that watches this process."""
    return (sys.executable, "-m", "wrapper.sweep.engines.guard", str(os.getpid()), *argv)


def run_guarded(job: Job) -> int | None:
    """Run ``job`` behind a guard, its output added to its log; the exit code.

    None when the guard was killed, as Ray does with all that a worker has started when it loses its node.

    An exception that ends this call (Ctrl-C, SIGTERM) ends the job as well. We never kill the guard: what it
    guards would be left.
    """
    with job.log.open("ab") as log:
        guard = subprocess.Popen(
            guarded(job.argv),
            env={**os.environ, **job.env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **own_group(),
        )
    try:
        while guard.poll() is None:  # a wait in the system could not be interrupted by another thread
            time.sleep(POLL_S / 5)
    except BaseException:
        ask_to_end(guard)
        with suppress(subprocess.TimeoutExpired):
            guard.wait(END_S)
        raise
    return guard.returncode if guard.returncode >= 0 else None


def main(parent: int, argv: tuple[str, ...]) -> int:
    """The exit code of ``argv``; what it prints goes on to our own output."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # Ray's workers hold it back
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        code = run(Command(argv, {}), _print, GRACE_S)
    except UserError as error:
        _print(error.message)
        return CANNOT_START
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if code >= 0 else 128 - code


def _print(line: str) -> None:
    print(line, flush=True)


def _end_with(parent: int) -> None:
    """End what was started when ``parent`` is gone: then another is our parent, or (Windows) none."""
    import psutil

    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(POLL_S)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), tuple(sys.argv[2:])))
