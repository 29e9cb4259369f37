"""One line for the user beside the progress."""

from __future__ import annotations

import sys


def tell(text: str) -> None:
    """Write ``text`` to standard error, where the progress is, too."""
    print(text, file=sys.stderr, flush=True)
