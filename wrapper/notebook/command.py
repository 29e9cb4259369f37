"""`lorawrap` commands from a cell."""

from __future__ import annotations

from pathlib import Path

from wrapper.notebook.beside import run_beside
from wrapper.notebook.screen import Screen
from wrapper.notebook.stop import Stop

INTERRUPTED = "Interrupted."
_USAGE = "\nError: "
"""What click puts how a command is typed before: nobody types one here."""


def lorawrap(*argv: object, folder: Path, quiet: bool = False) -> list[str]:
    """Give one command in ``folder``, its output in the cell; returns its lines.

    Raises `Stop` with what the command complained of.
    """
    return run_module("wrapper", *argv, folder=folder, quiet=quiet)


def run_module(module: str, *argv: object, folder: Path, quiet: bool = False) -> list[str]:
    """As `lorawrap`, for another module that can be run."""
    screen = Screen(quiet)
    try:
        code = run_beside(module, [str(one) for one in argv], folder, screen.output, screen.error)
    except KeyboardInterrupt:
        raise _stop(screen, INTERRUPTED) from None
    if code:
        raise _stop(screen, f"The command ended with code {code}.")
    screen.release()
    return screen.said


def _stop(screen: Screen, otherwise: str) -> Stop:
    said = "\n".join(screen.last_words).rpartition(_USAGE)[2]
    message, _, hint = said.partition("\n  → ")
    return Stop(message or otherwise, hint)
