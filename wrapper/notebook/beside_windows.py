"""The Windows half of `beside`: a new process, read by threads, since there is no server to fork one off."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from dataset_tools.system.streams import IN_UTF8
from wrapper.launch.children import process_windows
from wrapper.launch.children.groups import own_group
from wrapper.launch.children.guardian import guarded
from wrapper.launch.children.marks import marked
from wrapper.launch.children.process import Lines

_ROOT = Path(__file__).resolve().parents[2]
_Chunks = SimpleQueue[tuple[Lines, bytes]]


def run_anew(
    module: str, argv: Sequence[str], folder: Path, output: Lines, errors: Lines, grace_s: float
) -> int:
    """Run ``module`` with ``argv`` in ``folder`` and return its exit code, as `beside.run_beside` does."""
    mark = uuid.uuid4().hex
    with guarded(mark) as guardian:
        child = _start([sys.executable, "-m", module, *argv], folder, marked(mark))
        guardian.watch(child.pid)
        chunks = _read_both(child, output, errors)
        try:
            _pump(child, chunks)
            return child.wait()
        except KeyboardInterrupt:
            process_windows.interrupt(child)
            with suppress(subprocess.TimeoutExpired):
                child.wait(grace_s)
            _pump(child, chunks)
            raise
        finally:
            process_windows.end_tree(child)


def _start(argv: Sequence[str], folder: Path, mark: Mapping[str, str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    environment = {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **IN_UTF8, **mark}
    return subprocess.Popen(
        argv,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **own_group(),
    )


def _read_both(child: subprocess.Popen[bytes], output: Lines, errors: Lines) -> _Chunks:
    chunks: _Chunks = SimpleQueue()
    for stream, lines in ((child.stdout, output), (child.stderr, errors)):
        threading.Thread(target=_read, args=(stream, lines, chunks), daemon=True).start()
    return chunks


def _read(stream: IO[bytes], lines: Lines, chunks: _Chunks) -> None:
    with stream:
        while chunk := os.read(stream.fileno(), 1 << 16):
            chunks.put((lines, chunk))
    chunks.put((lines, b""))


def _pump(child: subprocess.Popen[bytes], chunks: _Chunks) -> None:
    """Hand on what was read until both streams end, or until the child has and nothing more comes."""
    open_streams = 2
    while open_streams:
        ended = child.poll() is not None
        try:
            lines, chunk = chunks.get(timeout=process_windows.POLL_S)
        except Empty:
            if ended:
                return
            continue
        lines.feed(chunk, final=not chunk)
        open_streams -= not chunk
