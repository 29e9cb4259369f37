"""A small process beside a training, a notebook's command or an installation: it ends what is left of them
when ``lorawrap`` is gone, however it went: kill −9 too.

It reads a pipe whose other end ``lorawrap`` alone holds; the system closes that with its process. A trainer
left alone would otherwise go on, on a GPU that nobody watches, until it next writes a line, and its launcher
and workers longer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from wrapper.launch.children.groups import own_group
from wrapper.launch.children.marks import MARK, kill_marked, marked, with_mark

GRACE_S = 10.0
"""How long a trainer has to put its files in order after it is told to end."""
_POLL_S = 0.05
_ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from wrapper.launch.children.guardian import stand_guard; "
    "stand_guard(sys.stdin, sys.argv[2], float(sys.argv[3]))"
)


class Guardian:
    """A process that guards what carries a mark, and the children that it is told of."""

    def __init__(self, mark: str, grace_s: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, str(_ROOT), mark, str(grace_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,  # not the project's, whose drive may have to be unmounted
            encoding="utf-8",
            **own_group(),
        )

    def watch(self, pid: int) -> None:
        """Guard the process ``pid`` and all below it too, whatever marks they carry."""
        with suppress(OSError):  # it was killed itself
            self._pipe().write(f"{pid}\n")
            self._pipe().flush()

    def dismiss(self) -> None:
        """Let it end what is left, as a rule nothing, and go."""
        with suppress(OSError):
            self._pipe().close()
        self._process.wait()

    def _pipe(self) -> IO[str]:
        if self._process.stdin is None:
            raise RuntimeError("the guardian was started without a pipe")
        return self._process.stdin


@contextmanager
def guarded(mark: str, grace_s: float = GRACE_S) -> Iterator[Guardian]:
    """While the block runs, what carries ``mark`` does not outlive this process."""
    guardian = Guardian(mark, grace_s)
    try:
        yield guardian
    finally:
        guardian.dismiss()


@contextmanager
def none_left(grace_s: float = GRACE_S) -> Iterator[None]:
    """What this process starts in the block does not outlive it, nor this process, however that ends."""
    mark, before = uuid.uuid4().hex, os.environ.get(MARK)
    with guarded(mark, grace_s):
        os.environ.update(marked(mark))
        try:
            yield
        finally:  # before the guardian goes round: on Windows it would see the mark on this process too
            if before is None:
                del os.environ[MARK]
            else:
                os.environ[MARK] = before


def stand_guard(pipe: IO[str], mark: str, grace_s: float) -> None:
    """Wait until ``pipe`` ends, which means that its writer is gone; then end what was guarded."""
    import psutil

    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    leaders = []
    for line in pipe:
        with suppress(psutil.NoSuchProcess):
            leaders.append(psutil.Process(int(line)))
    victims = {*with_mark(mark)}
    for leader in leaders:
        with suppress(psutil.NoSuchProcess):
            victims |= {leader, *leader.children(recursive=True)}
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.terminate()
    until = time.monotonic() + grace_s
    while (left := [victim for victim in victims if _runs(victim)]) and time.monotonic() < until:
        time.sleep(_POLL_S)
    for victim in left:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    kill_marked(mark)


def _runs(process: Any) -> bool:
    """Whether it does more than wait to be asked for its exit code: in a container often nobody asks."""
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
