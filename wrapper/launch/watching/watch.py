"""What a run's output does while it runs: log, events, progress bar, and the lines that explain an end."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from dataset_tools.progress import Bar, progress
from dataset_tools.system.ground import make_folder
from wrapper.launch.endings.explain import Explanation, notice
from wrapper.project.layout import RunPaths
from wrapper.runs.events import Event, EventLog, parse, within_run
from wrapper.secret_words import hider

KEPT_LINES = 400
_OTHER_BAR = re.compile(r"\d+%\|.*\|\s*\d+/\d+ \[")
_SOURCE = re.compile(r"\s{2,}[\w.]+\.py:\d+\s*$")
"""What sd-scripts' log writes at the right edge of its 250 columns: no terminal is as wide."""
_LAUNCHER = "Traceback (most recent call last):"


class LossIsNan(Exception):  # noqa: N818 - a fact about the run, not a fault of this program
    """The loss has not been finite for as long as was allowed: the run is to be ended."""


@dataclass(frozen=True)
class Course:
    """What a run's bar means: ``done`` steps of ``planned`` were done when it stood at ``bar_from``.

    After ``nan_limit`` reports in a row without a finite loss the run is to be ended; 0 lets it go on.
    """

    planned: int
    done: int = 0
    bar_from: int = 0
    nan_limit: int = 0

    def place(self, event: Event) -> Event:
        """``event`` with the run's own count."""
        return event if self.bar_from == self.done else within_run(event, self.done, self.planned)


class Watch:
    """Takes the output line by line. ``tail`` are the last lines that were no progress.

    ``notices`` are said when the run has ended, ``said`` was said at once.
    """

    def __init__(self, run: RunPaths, course: Course, bar: Bar, append: bool = False) -> None:
        make_folder(run.log.parent)
        self.log = run.log.open("a" if append else "w", encoding="utf-8", buffering=1)
        self.events = EventLog(run.events, append)
        self.course, self.bar = course, bar
        self._hide = hider()
        self.echo = True
        self.tail: deque[str] = deque(maxlen=KEPT_LINES)
        self.step = self.nans = self.nan_step = 0
        self.loss: float | None = None
        self.notices: dict[str, Explanation] = {}
        self.said: list[str] = []

    def line(self, line: str) -> None:
        """Take one line; raises `LossIsNan` when the run is to be ended."""
        line = self._hide(line)
        event = parse(line)
        if event is not None:
            self._progress(line, self.course.place(event))
            return
        self.log.write(line + "\n")
        if _OTHER_BAR.search(line):
            return
        self.tail.append(line)
        if found := notice(line):
            self.notices.setdefault(found.hint, found)
        self.echo = self.echo and not line.startswith(_LAUNCHER)
        if self.echo:
            click.echo(_SOURCE.sub("", line))

    def say(self, text: str) -> None:
        """A word of ours about the run: in its log, and on the terminal."""
        self.log.write(text + "\n")
        click.secho(text, fg="yellow", err=True)

    def _progress(self, line: str, event: Event) -> None:
        fresh = self.events.add(event)
        if event.nan:
            self._not_finite(line, event)
        elif event.loss is not None:
            self.nans = 0
        if not fresh:
            return
        self.log.write(line + "\n")
        self.loss = event.loss if event.loss is not None else self.loss
        note = "" if event.loss is None else f"loss {event.loss:.4f}"
        if event.step > self.step:
            self.bar.advance(event.step - self.step, note)
            self.step = event.step

    def _not_finite(self, line: str, event: Event) -> None:
        if event.step == self.nan_step:
            return
        self.nan_step = event.step
        self.nans += 1
        if self.nans == 1:
            self.tail.append(line)
            click.secho(f"the loss is not finite at step {event.step}", fg="yellow", err=True)
        if self.nans == self.course.nan_limit:
            raise LossIsNan(event.step)

    def close(self) -> None:
        self.log.close()
        self.events.close()


@contextmanager
def watching(run: RunPaths, course: Course, title: str, append: bool = False) -> Iterator[Watch]:
    """A `Watch` on a run's folder; ``append`` goes on with the log and the events of a resumed run."""
    with progress(title, course.planned) as bar:
        watch = Watch(run, course, bar, append=append)
        if course.done:
            watch.step = course.done
            bar.advance(course.done)
        try:
            yield watch
        finally:
            watch.close()
