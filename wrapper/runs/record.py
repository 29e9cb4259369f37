"""``run.json``: what was run, with what, on what, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dataset_tools.data_text import MOST_BYTES, bounded_text, from_json
from dataset_tools.files import write_json
from wrapper.left_name import own_name, read_name

UNREADABLE = "unreadable"


class RunRecord:
    """The record of one run; every change is written at once, so that a killed run has one too."""

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.facts: dict[str, Any] = {**read_record(path), **facts, "status": "running"}
        for left in ("ended", "exit_code", "faults", "why", "notices", "cut_off"):
            self.facts.pop(left, None)
        self.facts.setdefault("started", now())
        self._write()

    def note(self, **facts: Any) -> None:
        """Something that is known while the run goes on."""
        self.facts |= facts
        self._write()

    def end(self, status: str, **facts: Any) -> None:
        """``status`` is ``succeeded``, ``failed`` or ``interrupted``.

        ``cut_off=True`` says of a failed run that its surroundings failed: the disk, the memory, a hang.
        """
        self.facts |= {"status": status, "ended": now(), **facts}
        self.facts["segments"][-1]["ended"] = self.facts["ended"]
        self._write()

    def _write(self) -> None:
        write_json(self.path, self.facts)


def read_record(path: Path) -> dict[str, Any]:
    """What ``run.json`` says, empty where there is none.

    One that was edited or damaged says nothing but the status ``unreadable``: it must not hide other runs.
    """
    from wrapper.runs.record_form import is_record

    if not path.is_file():
        return {}
    found = read_object(path)
    return found if found and is_record(found) else {"status": UNREADABLE}


def read_object(path: Path, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The JSON object in a file, empty where there is none: a run that was killed may have left anything."""
    try:
        data = from_json(bounded_text(path, most_bytes=most_bytes))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def status_of(record: Mapping[str, Any]) -> str:
    """The recorded status; ``died`` for a run that says it runs, on this machine, and has no process."""
    status = str(record.get("status", "unknown"))
    if status != "running":
        return status
    process = read_name(record.get("process"))
    return "running" if process is not None and process.runs() else "died"


def runs_elsewhere(record: Mapping[str, Any]) -> bool:
    """Whether the record says that it runs, on another machine, which cannot be asked."""
    process = read_name(record.get("process"))
    return record.get("status") == "running" and process is not None and not process.is_here()


def was_cut_off(record: Mapping[str, Any]) -> bool:
    """Whether the run ended by no fault of its own, and can go on where it was: see `RunRecord.end`."""
    return status_of(record) in ("interrupted", "died") or record.get("cut_off") is True


def this_process() -> dict[str, Any]:
    """Who writes the record, so that others can tell whether the run goes on."""
    return own_name()._asdict()


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
