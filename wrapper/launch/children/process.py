"""A child process in a group of its own: its output to a log and a callback, and nobody left behind."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO, Any

from dataset_tools.errors import UserError
from wrapper.launch.children import process_windows
from wrapper.launch.children.groups import own_group
from wrapper.launch.children.guardian import guarded
from wrapper.launch.children.marks import kill_marked, marked
from wrapper.launch.command import Command

GRACE_S = 10.0
"""How long a group may take to end after an interrupt, and again after a termination, before it is killed."""
_POLL_S = 0.2
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no SIGKILL, and no other way than to kill
_ENDINGS = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""The last is Windows' Ctrl-Break, and its window that closes; SIGHUP is POSIX' alone."""


class Lines:
    """Cuts bytes into lines at ``\\n`` and at ``\\r`` (tqdm redraws with it), decoding UTF-8."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.on_line = on_line
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""

    def feed(self, chunk: bytes, final: bool = False) -> None:
        *lines, self.rest = (self.rest + self.decoder.decode(chunk, final)).replace("\r", "\n").split("\n")
        for line in [*lines, self.rest] if final else lines:
            if line.strip():
                self.on_line(line.rstrip())


def run(
    command: Command,
    on_line: Callable[[str], None],
    grace_s: float = GRACE_S,
    *,
    on_tick: Callable[[int], None] | None = None,
) -> int:
    """Start ``command``, hand each line of its output to ``on_line``, and return its exit code.

    ``on_tick`` is called with the child's number a few times a second, whether or not it says anything.

    Everything that it started is ended in every case. On Ctrl-C, SIGTERM and SIGHUP, and when ``on_line``
    or ``on_tick`` raises, the group is interrupted, then terminated, then killed, and the exception goes on
    (`KeyboardInterrupt` for a signal). A program that cannot start is a `UserError`.
    """
    mark = uuid.uuid4().hex
    with _signals_interrupt(), guarded(mark, grace_s) as guardian:
        child = _start(command, mark)
        guardian.watch(child.pid)
        try:
            _pump(child, Lines(on_line), on_tick or _nothing)
            return child.wait()
        except BaseException:
            _wind_down(child, grace_s)
            raise
        finally:
            _signal_group(child, _KILL)
            child.wait()
            kill_marked(mark)
            _stdout(child).close()


def _start(command: Command, mark: str) -> subprocess.Popen[bytes]:
    try:
        with _interrupts_heeded():
            return subprocess.Popen(
                command.argv,
                env={**os.environ, **command.env, **marked(mark)},
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **own_group(),
            )
    except OSError as error:
        raise UserError(f"{command.argv[0]}: cannot be started ({error.strerror}).") from None


@contextmanager
def _interrupts_heeded() -> Iterator[None]:
    """A background job ignores SIGINT, and its children would inherit that: they must heed ours."""
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if not ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nothing(_pid: int) -> None:
    return


def _pump(child: subprocess.Popen[bytes], lines: Lines, on_tick: Callable[[int], None]) -> None:
    """Read until the output ends, or until the child has: a worker left behind may hold the pipe open."""
    stream = _stdout(child)

    def has_ended() -> bool:
        on_tick(child.pid)
        return child.poll() is not None

    if sys.platform == "win32":
        process_windows.pump(stream, lines.feed, has_ended)
        lines.feed(b"", final=True)
        return
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            ended = has_ended()
            if selector.select(0 if ended else _POLL_S):
                chunk = os.read(stream.fileno(), 1 << 16)
                lines.feed(chunk, final=not chunk)
                if not chunk:
                    return
            elif ended:
                lines.feed(b"", final=True)
                return


def _wind_down(child: subprocess.Popen[bytes], grace_s: float) -> None:
    for kind in (signal.SIGINT, signal.SIGTERM):
        _signal_group(child, kind)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(grace_s)
            return


def _signal_group(child: subprocess.Popen[bytes], kind: signal.Signals) -> None:
    """The group's number is the child's: it was started as the leader of a new session."""
    if sys.platform == "win32":
        (process_windows.interrupt if kind == signal.SIGINT else process_windows.end_tree)(child)
        return
    with suppress(ProcessLookupError):
        os.killpg(child.pid, kind)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the block as Ctrl-C does, so that no child outlives them.

    What is ignored stays ignored: a training under ``nohup`` goes on when its terminal is closed.
    """

    def interrupt(number: int, frame: FrameType | None) -> Any:
        raise KeyboardInterrupt

    there = [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
    kinds = [kind for kind in there if signal.getsignal(kind) != signal.SIG_IGN]
    try:
        before = {kind: signal.signal(kind, interrupt) for kind in kinds}
    except ValueError:  # not in the main thread: signals go there
        before = {}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _stdout(child: subprocess.Popen[bytes]) -> IO[bytes]:
    if child.stdout is None:
        raise RuntimeError("the child was started without a pipe")
    return child.stdout
