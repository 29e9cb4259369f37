"""What a run's output does while it runs: log, events, progress bar, and the lines that explain an end."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dataset_tools.progress import Bar, progress
from wrapper.launch.events import Event, EventLog, parse
from wrapper.project.layout import RunPaths

KEPT_LINES = 400
_OTHER_BAR = re.compile(r"\d+%\|.*\|\s*\d+/\d+ \[")
_LAUNCHER = "Traceback (most recent call last):"


class Watch:
    """Takes the output line by line. ``tail`` are the last lines that were no progress."""

    def __init__(
        self, log: Path, events: EventLog, bar: Bar, echo: bool = True, append: bool = False
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log.open("a" if append else "w", encoding="utf-8", buffering=1)
        self.events, self.bar, self.echo = events, bar, echo
        self.tail: deque[str] = deque(maxlen=KEPT_LINES)
        self.step = 0

    def line(self, line: str) -> None:
        event = parse(line)
        if event is not None:
            self._progress(line, event)
            return
        self.log.write(line + "\n")
        if _OTHER_BAR.search(line):
            return
        self.tail.append(line)
        self.echo = self.echo and not line.startswith(_LAUNCHER)
        if self.echo:
            click.echo(line)

    def _progress(self, line: str, event: Event) -> None:
        if not self.events.add(event):
            return
        self.log.write(line + "\n")
        if "=nan" in line:
            self.tail.append(line)
        note = "" if event.loss is None else f"loss {event.loss:.4f}"
        if event.step > self.step:
            self.bar.advance(event.step - self.step, note)
            self.step = event.step

    def close(self) -> None:
        self.log.close()
        self.events.close()


@contextmanager
def watching(run: RunPaths, title: str, steps: int, append: bool = False) -> Iterator[Watch]:
    """A `Watch` on ``runs/<stage>``; ``append`` goes on with the log and the events of a resumed run."""
    with progress(title, steps) as bar:
        watch = Watch(run.log, EventLog(run.events, append), bar, append=append)
        try:
            yield watch
        finally:
            watch.close()
