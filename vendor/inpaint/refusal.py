"""What is wrong with the user's input: told in one sentence, exit code 2."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 8


class RefusedError(Exception):
    """The run cannot begin; the text says what is wrong, where, and what to do."""


def refuse_all(problems: Sequence[str]) -> None:
    """Raise one `RefusedError` that lists ``problems``, if there are any."""
    if not problems:
        return
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    raise RefusedError("; ".join([*problems[:SHOWN], *more]))
