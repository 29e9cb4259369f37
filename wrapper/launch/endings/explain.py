"""A failed run's log → one sentence that says why, and what to change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from wrapper.launch.endings.causes import FATAL, KILLED, KILLED_BY_OTHERS, KILLED_FOR_MEMORY, NOTICES, Cause


class Explanation(NamedTuple):
    """``cut_off`` says that the run's surroundings failed: it can go on as it was."""

    message: str
    hint: str
    cut_off: bool = False

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


_STATUS = re.compile(r"returned non-zero exit status (?P<status>\d+)|exitcode\s*:\s*(?P<code>-?\d+)")
_LAUNCHER = re.compile(r"^Traceback \(most recent call last\):")
_NOTICES = re.compile("|".join(re.sub(r"\?P<\w+>", "?:", cause.pattern) for cause in NOTICES))
_EXCEPTION = re.compile(
    r"^(?:\[rank\d+\]: ?)?(?P<kind>(?:\w+\.)*\w*(?:Error|Exception|Invalid))\b: (?P<said>.+)"
)
_LAUNCHERS_OWN = ("CalledProcessError", "ChildFailedError")


def explain(lines: Sequence[str], exit_code: int, memory_kills: int | None = None) -> Explanation:
    """Why a run ended with ``exit_code``, told from its last ``lines``; the first cause that fits.

    ``memory_kills`` are the processes that the kernel ended for want of memory meanwhile, where it tells.
    """
    found = _of_end(lines, exit_code)
    if found.message != KILLED or memory_kills is None:
        return found
    cause = KILLED_FOR_MEMORY if memory_kills else KILLED_BY_OTHERS
    return Explanation(cause.message, cause.hint, cause.cut_off)


def _of_end(lines: Sequence[str], exit_code: int) -> Explanation:
    status = exit_status(lines, exit_code)
    if status == 2 and not any(line.startswith("usage:") for line in lines):
        return Explanation(said_before_traceback(lines) or "The trainer refused its input.", "")
    return (
        _found([*lines, f"exitcode: {exit_code}"], FATAL)
        or _last_exception(lines)
        or _found(lines, NOTICES)
        or Explanation(f"The trainer ended with exit code {status}.", "")
    )


def notice(line: str) -> Explanation | None:
    """What a line that ends no run says about it, or None."""
    return _found([line], NOTICES) if _NOTICES.search(line) else None


def exit_status(lines: Sequence[str], exit_code: int) -> int:
    """The trainer's own exit code: a launcher says it in its message and ends with 1."""
    for line in reversed(lines):
        if found := _STATUS.search(line):
            return int(found["status"] or found["code"])
    return exit_code


def said_before_traceback(lines: Sequence[str]) -> str:
    """The trainer's last line before the launcher's traceback, or an empty string."""
    said = ""
    for line in lines:
        if _LAUNCHER.match(line):
            break
        said = line
    return said.strip()


def _found(lines: Sequence[str], causes: Sequence[Cause]) -> Explanation | None:
    text = "\n".join(lines)
    for cause in causes:
        if found := re.search(cause.pattern, text, re.MULTILINE):
            groups = {name: value for name, value in found.groupdict().items() if value}
            what = (groups.get("what") or groups.get("other") or "").strip()
            return Explanation(cause.message.replace("{what}", what), cause.hint, cause.cut_off)
    return None


def _last_exception(lines: Sequence[str]) -> Explanation | None:
    """The last exception that is not the launcher's, in its own words; Japanese after a slash is left out."""
    for line in reversed(lines):
        found = _EXCEPTION.match(line)
        if found and not found["kind"].endswith(_LAUNCHERS_OWN):
            return Explanation(
                f"The trainer failed: {found['said'].split(' / ')[0].strip()}.", "See the log."
            )
    return None
