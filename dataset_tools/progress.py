"""Progress with an ETA: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")
PLAIN_LINE_EVERY_S = 10.0


class Bar(Protocol):
    """What a long step reports to: `advance` the count, `note` a short text beside it."""

    def advance(self, count: int = 1, note: str = "") -> None: ...


class _PlainBar(Bar):
    """The pace is taken from the first advance on: what comes before it is loading, or was done earlier."""

    def __init__(self, description: str, total: int) -> None:
        self.description, self.total, self.done = description, total, 0
        self.started = self.printed = time.monotonic()
        self.first: tuple[float, int] | None = None

    def advance(self, count: int = 1, note: str = "") -> None:
        self.done += count
        now = time.monotonic()
        self.first = self.first or (now, self.done)
        if self.done < self.total and now - self.printed < PLAIN_LINE_EVERY_S:
            return
        self.printed = now
        print(self.line(now, note), file=sys.stderr, flush=True)

    def line(self, now: float, note: str = "") -> str:
        parts = [f"{self.description}: {self.done}/{self.total}", self.when(now), note]
        return ", ".join(part for part in parts if part)

    def when(self, now: float) -> str:
        """``about 1:20 left``, or how long all took; empty while there is no pace yet."""
        if self.done >= self.total:
            return f"done in {clock(now - self.started)}"
        since, before = self.first or (now, self.done)
        if self.done <= before:
            return ""
        return f"about {clock((now - since) / (self.done - before) * (self.total - self.done))} left"


@contextmanager
def progress(description: str, total: int) -> Iterator[Bar]:
    """A `Bar` on standard error: rich's on a terminal, lines of text elsewhere."""
    if not sys.stderr.isatty():
        yield _PlainBar(description, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(description, total=total, note="")

        class _RichBar(Bar):
            def advance(self, count: int = 1, note: str = "") -> None:
                shown.update(task, advance=count, note=note)

        yield _RichBar()


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` and report each as done when the next is asked for."""
    if total is None:
        items = list(items)
        total = len(items)
    with progress(description, total) as bar:
        for item in items:
            yield item
            bar.advance()


def clock(seconds: float) -> str:
    """``75.2`` → ``1:15``; ``3675`` → ``1:01:15``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
