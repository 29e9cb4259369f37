"""Progress of a sweep: the steps of all its trials together, read from their runs while they go."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dataset_tools.data_text import from_json
from dataset_tools.progress import Bar, progress
from wrapper.project.layout import ProjectPaths
from wrapper.sweep.planning.checking import Steps
from wrapper.sweep.trials import Sweep, Trial

EVERY_S = 2.0
_TAIL_BYTES = 4096


@contextmanager
def watching(sweep: Sweep, trials: Sequence[Trial], steps: Steps) -> Iterator[None]:
    """A bar over the steps of ``trials`` while the block runs, with how many run, wait and are done."""
    total = sum(sum(steps.get(trial.id, {}).values()) for trial in trials)
    stop = threading.Event()
    with progress(f"sweep {sweep.name}, steps", max(total, 1)) as bar:
        thread = threading.Thread(target=_watch, args=(sweep, trials, steps, bar, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _watch(sweep: Sweep, trials: Sequence[Trial], steps: Steps, bar: Bar, stop: threading.Event) -> None:
    shown, total = 0, sum(sum(stages.values()) for stages in steps.values())
    while True:
        last = stop.wait(EVERY_S)
        done = sum(steps_done(trial, steps.get(trial.id, {})) for trial in trials)
        counts = Counter(trial.status() for trial in trials)
        note = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        if shown < total:
            bar.advance(max(done - shown, 0), note)
            shown = max(done, shown)
        if last:
            return


def steps_done(trial: Trial, planned: dict[str, int]) -> int:
    """Steps of all stages that the trial has behind it; the last one counts when it is measured, too."""
    total = sum(planned.values())
    if trial.status() == "succeeded":
        return total
    paths = ProjectPaths(trial.folder)
    done = sum(min(last_step(paths.run(stage).events).done, count) for stage, count in planned.items())
    return min(done, max(total - 1, 0))


class LastStep(NamedTuple):
    """How far a run is, of how many steps."""

    done: int = 0
    planned: int = 0


def last_step(events: Path) -> LastStep:
    """By the last whole line of ``events.jsonl``; nothing where there is none."""
    try:
        with events.open("rb") as stream:
            stream.seek(max(events.stat().st_size - _TAIL_BYTES, 0))
            lines = stream.read().splitlines()
    except OSError:
        return LastStep()
    for line in reversed(lines):
        try:
            event = from_json(line)
            return LastStep(int(event["step"]), int(event["steps"]))
        except (ValueError, KeyError, TypeError):
            continue
    return LastStep()
