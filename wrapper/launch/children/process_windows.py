"""The Windows half of `process`: no sessions, no signals but Ctrl-Break, no waiting for pipes.

A child with a process group of its own hears Ctrl-Break alone. Whoever does not handle it ends at once; what
would outlive that is ended as a tree.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO

POLL_S = 0.2


def interrupt(child: subprocess.Popen[bytes]) -> None:
    """Ctrl-Break for the child's group; without a console nobody can be told."""
    with suppress(OSError):
        child.send_signal(signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined]


def end_tree(child: subprocess.Popen[bytes]) -> None:
    """End the child and all below it, without asking."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(child.pid)
        for process in (*top.children(recursive=True), top):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def pump(stream: IO[bytes], feed: Callable[[bytes], None], ended: Callable[[], bool]) -> None:
    """Hand on what comes until ``stream`` ends, or until ``ended`` and nothing more comes.

    A thread reads: Windows can wait for sockets only. It is left behind where somebody holds the pipe open.
    """
    chunks: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(stream, chunks), daemon=True).start()
    while True:
        over = ended()
        try:
            chunk = chunks.get(timeout=POLL_S)
        except Empty:
            chunk = None
        if chunk:
            feed(chunk)
        elif over or chunk is not None:
            return


def _read(stream: IO[bytes], chunks: SimpleQueue[bytes]) -> None:
    chunk = b"begun"
    while chunk:
        chunk = os.read(stream.fileno(), 1 << 16)
        chunks.put(chunk)
