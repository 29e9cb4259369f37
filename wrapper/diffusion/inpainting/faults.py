"""Several errors as one, so that a run of many pictures tells them all at its end."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_tools.errors import RunFailed, UserError

Fault = UserError | RunFailed


def as_one(faults: Sequence[Fault], title: str = "") -> Fault:
    """The only fault itself, or one that lists them all: `RunFailed` when any is."""
    if len(faults) == 1 and not title:
        return faults[0]
    lines = [title or f"{len(faults)} problems:"]
    lines += [f"  {fault.message} {fault.hint}".rstrip() for fault in faults]
    failed = any(isinstance(fault, RunFailed) for fault in faults)
    return RunFailed("\n".join(lines)) if failed else UserError("\n".join(lines))


def at(where: object, fault: Fault) -> Fault:
    """``fault`` with the place that it happened at before it, unless it says so itself."""
    message = fault.message if fault.message.startswith(str(where)) else f"{where}: {fault.message}"
    return type(fault)(message, fault.hint)
