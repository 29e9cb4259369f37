"""Errors that are the user's to mend: one clear sentence, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

MANY = 5
"""More equal problems than these may share a line."""


class UserError(Exception):
    """The input or the configuration is wrong (exit code 2).

    ``message`` says what is wrong and where, ``hint`` what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class RunFailed(Exception):  # noqa: N818 - a run that failed is a fact, not a fault of this program
    """A child process or a run failed although its input was right (exit code 1)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Problem:
    """One finding: ``where`` it is, ``message`` what is wrong, ``hint`` what to do."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" {self.hint}" if self.hint else "")


class Problems:
    """Collects every problem before anything is raised, so that one run shows them all."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, where: object, message: str, hint: str = "") -> None:
        self.found.append(Problem(str(where), message, hint))

    def raise_if_any(self, title: str = "", hint: str = "") -> None:
        """Raise one `UserError` that lists all problems, equal ones once; do nothing without any."""
        found = list(dict.fromkeys(self.found))
        if not found:
            return
        if len(found) == 1 and not title:
            only = found[0]
            raise UserError(f"{only.where}: {only.message}", only.hint or hint)
        lines = [title or f"{len(found)} problems:", *(f"  {problem}" for problem in found)]
        raise UserError("\n".join(lines), hint)

    def merged(self) -> Problems:
        """The same problems, but what is wrong alike in many places is said once, with the first of them."""
        places: dict[tuple[str, str], list[str]] = {}
        for problem in self.found:
            places.setdefault((problem.message, problem.hint), []).append(problem.where)
        merged = Problems()
        for (message, hint), where in places.items():
            if len(where) > MANY:
                where = [f"{', '.join(where[:MANY])} and {len(where) - MANY} more"]
            for one in where:
                merged.add(one, message, hint)
        return merged


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None: ``nearest("learnig_rate", [...])``."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` as a hint, or an empty string."""
    match = nearest(name, known)
    return f"Did you mean '{match}'?" if match else ""
