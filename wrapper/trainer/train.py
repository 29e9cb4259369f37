"""A run from its command line to its files: settings → data → model → network → loop."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from dataset_tools.errors import RunFailed, UserError
from wrapper.trainer.config import read_settings

INTERRUPTED, TERMINATED = 130, 143


def main(argv: Sequence[str], script: str) -> int:
    """Run ``script`` and return its exit code: 0 done, 1 failed, 2 wrong input, 130 or 143 interrupted."""
    for name in ("SIGTERM", "SIGBREAK"):  # Ctrl-Break: how a group of processes is interrupted on Windows
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)
    _tell_stacks_when_asked()
    try:
        settings = read_settings(argv, script)
        from wrapper.trainer.run import run

        run(settings)
    except (UserError, RunFailed) as error:
        print(f"error: {error.message} {error.hint}".rstrip(), file=sys.stderr, flush=True)
        return 2 if isinstance(error, UserError) else 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        return INTERRUPTED
    return 0


def _tell_stacks_when_asked() -> None:
    """Where the threads stand, into the output: `wrapper.launch.watching.working` asks when a run hangs."""
    if hasattr(faulthandler, "register"):  # not on Windows
        faulthandler.register(signal.SIGUSR1, all_threads=True)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """Unwind, so that half-written files go away."""
    raise SystemExit(TERMINATED)
