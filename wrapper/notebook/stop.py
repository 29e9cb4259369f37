"""What ends a cell in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dataset_tools.errors import UserError

_RED, _PLAIN = "\x1b[31m", "\x1b[0m"


class Stop(Exception):  # noqa: N818 - what a user reads, not a fault of this program
    """A cell cannot go on. Notebooks show the sentence and the hint instead of a traceback."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n  → {hint}" if hint else message)
        self.message, self.hint = message, hint

    def _render_traceback_(self) -> list[str]:
        """What IPython asks an exception for before it writes a traceback."""
        return [f"{_RED}{self.message}{_PLAIN}", *([f"  → {self.hint}"] if self.hint else [])]


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn a `UserError` of the block into a `Stop`."""
    try:
        yield
    except UserError as error:
        raise Stop(error.message, error.hint) from None
