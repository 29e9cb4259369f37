"""A trainer's output → events: step, loss and time, parsed from tqdm's lines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dataset_tools.data_text import from_json
from dataset_tools.system.ground import make_folder

_CLOCK = r"\d{1,9}(?::\d{1,9}){0,3}"
_STEPS = re.compile(
    r"(?<!validation )steps:\s*\d+%\|[^|]*\|\s*(?P<step>\d{1,12})/(?P<steps>\d{1,12})\s*"
    rf"\[(?P<elapsed>{_CLOCK})<(?P<left>\?|{_CLOCK})(?P<rest>[^\]]*)\]?"
)
_LOSS = re.compile(r"(?:avr_loss|avg_loss|loss)=(?P<loss>[-+.\w]+)")


@dataclass(frozen=True)
class Event:
    """Where a run is: ``loss`` is the trainer's running mean, None where there is no finite one.

    ``left_s`` is what is left at the pace so far, None before there is one; ``nan`` says that the trainer
    gave a loss, and that it is not finite.
    """

    step: int
    steps: int
    loss: float | None
    elapsed_s: int
    left_s: int | None = None
    nan: bool = False


def parse(line: str) -> Event | None:
    """The event in a line such as ``steps:  12%|█▏ | 12/100 [00:05<00:40,  2.2it/s, avr_loss=0.123]``."""
    found = _STEPS.search(line)
    if found is None:
        return None
    written = _LOSS.search(found["rest"])
    loss = _number(written["loss"]) if written else None
    finite = loss is not None and math.isfinite(loss)
    return Event(
        step=int(found["step"]),
        steps=int(found["steps"]),
        loss=loss if finite else None,
        elapsed_s=seconds(found["elapsed"]),
        left_s=None if "?" in found["left"] else seconds(found["left"]),
        nan=loss is not None and not finite,
    )


def within_run(event: Event, done: int, planned: int) -> Event:
    """The event of a trainer whose bar counts anew, after ``done`` steps of ``planned``."""
    left = planned - done - event.step
    pace_s = event.elapsed_s / event.step if event.step else None
    left_s = None if pace_s is None else round(pace_s * left)
    return replace(event, step=done + event.step, steps=planned, left_s=left_s)


def seconds(clock: str) -> int:
    """``01:05`` → 65, ``1:00:00`` → 3600."""
    total = 0
    for part in clock.split(":"):
        total = total * 60 + int(part)
    return total


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class EventLog:
    """Writes events as JSON lines; a step that was drawn twice is written once."""

    def __init__(self, path: Path, append: bool = False) -> None:
        make_folder(path.parent)
        self.stream = path.open("a" if append else "w", encoding="utf-8", buffering=1)
        self.last: Event | None = None

    def add(self, event: Event) -> bool:
        """Write ``event`` and return True, unless its step was written already with this loss."""
        if self.last is not None and (event.step, event.loss) == (self.last.step, self.last.loss):
            return False
        self.last = event
        written = asdict(event)
        del written["nan"]
        self.stream.write(json.dumps(written) + "\n")
        return True

    def close(self) -> None:
        self.stream.close()


def read_events(path: Path) -> list[dict[str, Any]]:
    """A run's events, one a step. A step that goes back, as a resumed run's does, takes back what came after.

    The writer may have been stopped within a line, which is then left out.
    """
    kept: list[dict[str, Any]] = []
    for event in _events(path):
        while kept and kept[-1]["step"] >= event["step"]:
            kept.pop()
        kept.append(event)
    return kept


def _events(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                found = from_json(line)
            except ValueError:
                continue
            if _is_event(found):
                yield found


def _is_event(found: Any) -> bool:
    """Whether a line says what `EventLog.add` writes; a writer that was killed may have left anything."""
    if not isinstance(found, dict) or type(found.get("step")) is not int:
        return False
    loss = found.get("loss")
    return loss is None or (isinstance(loss, float | int) and math.isfinite(loss))
