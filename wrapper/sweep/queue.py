"""The trials that are to be run, handed to an engine, and what became of each."""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.progress import clock
from dataset_tools.system.streams import IN_UTF8
from wrapper.runs.record import read_object
from wrapper.sweep.engines import Change, Engine, Job
from wrapper.sweep.outcome.shown import setting_words, swept_names
from wrapper.sweep.planning.checking import Steps
from wrapper.sweep.trials import Sweep, Trial
from wrapper.sweep.watching import watching


@dataclass
class Outcome:
    """How many trials ended how, in this start of the sweep; ``stopped`` when a failure ended it."""

    ended: Counter[str] = field(default_factory=Counter)
    stopped: bool = False

    @property
    def bad(self) -> int:
        return sum(self.ended.values()) - self.ended["succeeded"]


def waiting(sweep: Sweep, *, failed_too: bool) -> list[Trial]:
    """The trials that are not done, in order; those that failed only with ``failed_too``."""
    done = ("succeeded",) if failed_too else ("succeeded", "failed")
    return [trial for trial in sweep.trials if trial.status() not in done]


def job_of(trial: Trial) -> Job:
    """The process that runs ``trial``; it is the same program wherever it runs."""
    argv = (sys.executable, "-m", "wrapper.sweep.work", str(trial.folder.resolve()))
    env = {"PYTHONUNBUFFERED": "1", **IN_UTF8}
    return Job(trial.id, argv, {**env, **_package()}, trial.log.resolve())


def _package() -> dict[str, str]:
    """Where this program is, for a Python that has not installed it."""
    here = str(Path(__file__).resolve().parents[2])
    if here == sysconfig.get_paths()["purelib"]:
        return {}
    others = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([here, others]) if others else here}


def run_trials(
    sweep: Sweep,
    trials: Sequence[Trial],
    engine: Engine,
    steps: Steps,
    tell: Callable[[str], None],
    *,
    stop_on_failure: bool = False,
) -> Outcome:
    """Run ``trials`` and ``tell`` a line of each that ends. Whatever ends this ends the engine, too."""
    outcome, known, names = Outcome(), {trial.id: trial for trial in trials}, swept_names(sweep)
    with (
        closing(_started(engine, [job_of(trial) for trial in trials])) as changes,
        watching(sweep, trials, steps),
    ):
        begun: dict[str, float] = {}
        for change in changes:
            if change.kind == "started":
                begun[change.trial] = time.monotonic()
                continue
            status = ended_as(known[change.trial], change)
            outcome.ended[status] += 1
            spent = time.monotonic() - begun.get(change.trial, time.monotonic())
            place = f"{sum(outcome.ended.values())}/{len(trials)}"
            tell(f"[{place}] {_line(names, known[change.trial], status, change, spent)}")
            if stop_on_failure and status == "failed":
                outcome.stopped = True
                break
    return outcome


def _started(engine: Engine, jobs: Sequence[Job]) -> Iterator[Change]:
    yield from engine(jobs)


def ended_as(trial: Trial, change: Change) -> str:
    """What the trial's record says, unless its process could not say it any more."""
    status = trial.status()
    if change.exit_code == 0 or status in ("failed", "interrupted"):
        return status
    return "refused" if change.exit_code == 2 else "died"


def _line(names: Mapping[str, str], trial: Trial, status: str, change: Change, spent_s: float) -> str:
    settings = setting_words(trial.settings, names)
    told = f"{trial.id} {status} in {clock(spent_s)} on {change.where}: {settings}"
    why = _why(trial, status, change)
    return f"{told}\n        {why}" if why else told


def _why(trial: Trial, status: str, change: Change) -> str:
    if status == "failed":
        return f"{read_object(trial.record).get('why', '')} Log: {trial.log}"
    if status == "refused":
        return f"it did not start: {_last_line(trial.log) or f'its log is empty or gone: {trial.log}'}"
    if status == "died":
        how = "its machine was lost" if change.exit_code is None else f"exit code {change.exit_code}"
        return f"its process was ended from outside ({how}). Log: {trial.log}"
    return ""


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
