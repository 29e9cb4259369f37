"""What a worker process is: measures one file after the other, and ends itself when one takes too long."""

from __future__ import annotations

import faulthandler
import os
import signal
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from dataset_tools.quality.measuring import Facts, Measured, Task, measure_file

TIME_LIMIT_S = 120.0
"""For one file. The slowest picture that is not refused takes seconds."""
TOO_LONG = 1
"""The exit code after that time."""


class Fault(NamedTuple):
    """An error of this program, not of a file: where it came from, as text."""

    text: str


class WorkerFault(Exception):  # noqa: N818 - the traceback in it names the error
    """A fault in a worker process, with its traceback there."""


def serve(connection: Connection, limit_s: float) -> None:
    """Send None when ready, then a `Measured` for each task until the other end closes."""
    import cv2

    cv2.setNumThreads(1)
    try:
        connection.send(None)
        while True:
            connection.send(answer(connection.recv(), limit_s))
    except (EOFError, OSError):
        return


def answer(task: Task, limit_s: float) -> Measured | Fault:
    """Measure a file; the process ends when that takes longer than ``limit_s``."""
    with Path(os.devnull).open("w", encoding="utf-8", newline="\n") as nowhere:
        faulthandler.dump_traceback_later(limit_s, exit=True, file=nowhere)
        try:
            return measure_file(task)
        except Exception:
            return Fault(f"{task.path}:\n{traceback.format_exc()}")
        finally:
            faulthandler.cancel_dump_traceback_later()


def died(exit_code: int | None, limit_s: float) -> Measured:
    """What a file gets whose worker ended."""
    if exit_code == TOO_LONG:
        why = f"took more than {limit_s:g} seconds"
    elif exit_code is not None and exit_code < 0:
        why = f"ended the process that read it ({signal.Signals(-exit_code).name})"
    else:
        why = f"ended the process that read it (exit code {exit_code})"
    return Measured(Facts(error=why))
