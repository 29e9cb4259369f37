"""A module run as ``python -m`` does, in a process beside the kernel that has the slow libraries already.

The kernel stays small, and what a command held of the GPU is free when it ends. On Linux the process is
forked off a server that has imported torch and diffusers once; elsewhere it is a new one.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import selectors
import signal
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO

from dataset_tools.system.processors import limit_threads
from wrapper.launch.children.guardian import guarded
from wrapper.launch.children.marks import marked
from wrapper.launch.children.process import Lines
from wrapper.notebook.beside_windows import run_anew

GRACE_S = 40.0
"""How long an interrupted command may take to end: it waits for its own children in turn."""
_WITHOUT_CUDA = ("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
"""Lets torch ask for GPUs without opening CUDA, so that the server can always be forked."""

OnLine = Callable[[str], None]


def run_beside(module: str, argv: Sequence[str], folder: Path, on_output: OnLine, on_error: OnLine) -> int:
    """Run ``module`` with ``argv`` in ``folder``; each line goes to one of the two. Returns its exit code.

    An interrupt is handed on once, and the command's own end is waited for; then `KeyboardInterrupt`. What
    the command started ends with it, and all of them with this process, however that dies.
    """
    if sys.platform == "win32":
        return run_anew(module, argv, folder, Lines(on_output), Lines(on_error), GRACE_S)
    mark = uuid.uuid4().hex
    readers, writers = zip(*(multiprocessing.Pipe(duplex=False) for _ in range(2)), strict=True)
    environment = {**os.environ, **marked(mark)}
    child = _context().Process(target=_work, args=(module, list(argv), environment, str(folder), *writers))
    with guarded(mark) as guardian:
        child.start()
        guardian.watch(child.pid or 0)
        for writer in writers:
            writer.close()
        _listen(child, {readers[0]: Lines(on_output), readers[1]: Lines(on_error)})
    return int(child.exitcode or 0)


def _context() -> multiprocessing.context.BaseContext:
    os.environ.setdefault(*_WITHOUT_CUDA)
    limit_threads()
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["wrapper.notebook.loaded", "wrapper.cli.main"])
    return context


def _listen(child: BaseProcess, streams: Mapping[Connection, Lines]) -> None:
    """Hand on what the child says until it has ended."""
    try:
        _pump(child, streams)
    except KeyboardInterrupt:
        _interrupt(child, streams)
        raise
    except BaseException:
        child.terminate()
        raise
    finally:
        for reader in streams:
            reader.close()
    child.join()


def _pump(child: BaseProcess, streams: Mapping[Connection, Lines]) -> None:
    """Read both streams until they end, or until the child has: one of its own may hold them open."""
    with selectors.DefaultSelector() as selector:
        for reader, lines in streams.items():
            selector.register(reader, selectors.EVENT_READ, lines)
        selector.register(child.sentinel, selectors.EVENT_READ)
        while len(selector.get_map()) > 1:
            ready = [key for key, _ in selector.select() if key.data is not None]
            for key in ready:
                chunk = os.read(key.fd, 1 << 16)
                key.data.feed(chunk, final=not chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if not ready:
                return


def _interrupt(child: BaseProcess, streams: Mapping[Connection, Lines]) -> None:
    """Hand the interrupt on, and show the command's last words; a second interrupt kills it."""
    with suppress(ProcessLookupError):
        os.kill(child.pid or 0, signal.SIGINT)
    try:
        _pump(child, streams)
        child.join(GRACE_S)
    finally:
        if child.is_alive():
            child.kill()
            child.join()


def _work(
    module: str, argv: list[str], environment: dict[str, str], folder: str, *writers: Connection
) -> None:
    """The child: a session of its own, so that it is interrupted once, and only by `_interrupt`."""
    if hasattr(os, "setsid"):
        os.setsid()
    for number, writer in enumerate(writers, start=1):
        os.dup2(writer.fileno(), number)
        writer.close()
    sys.stdout, sys.stderr = _text(1), _text(2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [module, *argv]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _text(number: int) -> TextIO:
    """The stream of a file descriptor, a line at a time."""
    return open(number, "w", buffering=1, encoding="utf-8", newline="\n", closefd=False)
