"""A sign of life for other machines: a run counts on in a file, and who looks twice sees whether it does.

No clock is compared with another machine's: what counts is whether the file changed while one looked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.progress import progress
from wrapper.project.layout import RunPaths
from wrapper.runs.record import read_record, runs_elsewhere, status_of

FILE = "heartbeat"
BEAT_S = 20.0
LOOK_S = 90.0
"""Some beats: a network drive shows another machine's changes late."""
_GLANCE_S = 1.0


class Heart:
    """Beats in a run's folder, at most every `BEAT_S`; a beat that cannot be written is left out."""

    def __init__(self, run: RunPaths, now: Callable[[], float] = time.monotonic) -> None:
        self.path, self.now = run.folder / FILE, now
        self.count, self.beaten = 0, now() - BEAT_S

    def tick(self) -> None:
        if self.now() - self.beaten < BEAT_S:
            return
        self.beaten, self.count = self.now(), self.count + 1
        with suppress(OSError):
            self.path.write_text(f"{self.count}\n", encoding="ascii", newline="\n")

    def stop(self) -> None:
        with suppress(OSError):
            self.path.unlink()


def is_silent(run: RunPaths, look_s: float = LOOK_S) -> bool:
    """Look for ``look_s`` seconds: whether nothing in ``run`` changed. False as soon as something did."""
    before, begun = _signs(run), time.monotonic()
    with progress(f"looking whether {run.id} still runs elsewhere", round(look_s)) as bar:
        while time.monotonic() - begun < look_s:
            time.sleep(min(_GLANCE_S, look_s))
            bar.advance(round(_GLANCE_S))
            if _signs(run) != before:
                return False
    return True


def refuse_if_alive(run: RunPaths, look_s: float = LOOK_S) -> None:
    """`UserError` for a run that goes on, here or on another machine, where signs of life are looked for."""
    record = read_record(run.record)
    if status_of(record) != "running" or (runs_elsewhere(record) and is_silent(run, look_s)):
        return
    process = record["process"]
    raise UserError(
        f"{run.id} runs now (process {process['pid']} on {process.get('host')}).", "Wait, or end it there."
    )


def _signs(run: RunPaths) -> list[bytes | int]:
    """Read by opening, which makes a network drive ask again."""
    return [_content(run.folder / FILE), *(_size(path) for path in (run.log, run.events, run.record))]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _size(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            return stream.seek(0, 2)
    except OSError:
        return -1
