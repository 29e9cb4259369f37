"""A trainer's output → events: step, loss and time, parsed from tqdm's lines."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path

_STEPS = re.compile(
    r"steps:\s*\d+%\|[^|]*\|\s*(?P<step>\d+)/(?P<steps>\d+)\s*"
    r"\[(?P<elapsed>[\d:]+)<(?P<left>[\d:?]+)(?P<rest>[^\]]*)\]?"
)
_LOSS = re.compile(r"(?:avr_loss|avg_loss|loss)=(?P<loss>[-+.\w]+)")


@dataclass(frozen=True)
class Event:
    """Where a run is: ``loss`` is the trainer's running mean, None where there is no finite one."""

    step: int
    steps: int
    loss: float | None
    elapsed_s: int


def parse(line: str) -> Event | None:
    """The event in a line such as ``steps:  12%|█▏ | 12/100 [00:05<00:40,  2.2it/s, avr_loss=0.123]``."""
    found = _STEPS.search(line)
    if found is None:
        return None
    loss = _LOSS.search(found["rest"])
    return Event(
        step=int(found["step"]),
        steps=int(found["steps"]),
        loss=_finite(loss["loss"]) if loss else None,
        elapsed_s=seconds(found["elapsed"]),
    )


def seconds(clock: str) -> int:
    """``01:05`` → 65, ``1:00:00`` → 3600."""
    total = 0
    for part in clock.split(":"):
        total = total * 60 + int(part)
    return total


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class EventLog:
    """Writes events as JSON lines; a step that was drawn twice is written once."""

    def __init__(self, path: Path, append: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.stream = path.open("a" if append else "w", encoding="utf-8", buffering=1)
        self.last: Event | None = None

    def add(self, event: Event) -> bool:
        """Write ``event`` and return True, unless its step was written already."""
        if self.last is not None and (event.step, event.loss) == (self.last.step, self.last.loss):
            return False
        self.last = event
        self.stream.write(json.dumps(asdict(event)) + "\n")
        return True

    def close(self) -> None:
        self.stream.close()
