"""What is told of trials that end, and which are run; the engine here is a list of what happens."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from dataset_tools.files import write_json
from wrapper.project.load import load_project
from wrapper.runs.record import this_process
from wrapper.sweep.engines import Change, Job
from wrapper.sweep.queue import job_of, run_trials, waiting
from wrapper.sweep.trials import Sweep, Trial
from wrapper.sweep.watching import steps_done
from wrapper.sweep.work import _train

NAMES = ("001", "002", "003", "004")


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    folder = tmp_path / "sweeps" / "первый 🙂"
    trials = [Trial(name, folder / "trials" / name, {"a.rate": int(name)}) for name in NAMES]
    return Sweep(folder.name, folder, tmp_path, ["stage_a"], ["a.rate"], trials)


def tell(trial: Trial, status: str, **facts: object) -> None:
    write_json(trial.record, {"status": status, **facts})


class Engine:
    """``acts`` are done one after the other; a None of an exit code is a lost machine."""

    def __init__(self, sweep: Sweep, acts: Sequence[tuple[str, str, int | None]]) -> None:
        self.sweep, self.acts, self.jobs, self.closed = sweep, acts, [], False

    def __call__(self, jobs: Sequence[Job]) -> Iterator[Change]:
        self.jobs = [job.trial for job in jobs]
        try:
            for name, status, code in self.acts:
                yield Change(name, "started", "GPU 0")
                if status:
                    tell(self.sweep.trials[NAMES.index(name)], status, why="It broke.")
                yield Change(name, "ended", "GPU 0", code)
        finally:
            self.closed = True


@pytest.fixture
def carry_out(sweep: Sweep) -> Callable[..., tuple[Engine, list[str], dict[str, int], bool]]:
    def carry_out(*acts: tuple[str, str, int | None], **how: bool) -> tuple:
        engine, said = Engine(sweep, acts), []
        outcome = run_trials(sweep, waiting(sweep, failed_too=False), engine, {}, said.append, **how)
        assert engine.closed
        return engine, said, dict(outcome.ended), outcome.stopped

    return carry_out


def test_a_failure_does_not_stop_the_others_unless_that_is_asked_for(carry_out):
    acts = [("001", "failed", 1), ("002", "succeeded", 0)]
    engine, said, ended, stopped = carry_out(*acts)
    assert (ended, stopped) == ({"failed": 1, "succeeded": 1}, False)
    assert said[0].startswith("[1/4] 001 failed in 0:00 on GPU 0: rate 1\n        It broke. Log: ")
    assert said[1] == "[2/4] 002 succeeded in 0:00 on GPU 0: rate 2"
    engine, said, ended, stopped = carry_out(
        ("003", "failed", 1), ("004", "succeeded", 0), stop_on_failure=True
    )
    assert engine.jobs == ["003", "004"]
    assert (ended, stopped) == ({"failed": 1}, True)


def test_what_a_process_could_not_say_itself_is_told(carry_out, sweep):
    log = sweep.trials[2].log
    log.parent.mkdir(parents=True)
    log.write_text("line\nerror: the drive is gone 🙂\n\n", encoding="utf-8")
    dead = {"pid": 2**22 + 1, "host": this_process()["host"]}
    tell(sweep.trials[0], "running", process=dead)
    _, said, ended, _ = carry_out(("001", "", -9), ("002", "", None), ("003", "", 2))
    assert ended == {"died": 2, "refused": 1}
    assert "(exit code -9)" in said[0]
    assert "(its machine was lost)" in said[1]
    assert said[2].endswith("it did not start: error: the drive is gone 🙂")


def test_a_log_that_is_gone_is_told(carry_out, sweep):
    _, said, _, _ = carry_out(("003", "", 2))
    assert said[0].endswith(f"it did not start: its log is empty or gone: {sweep.trials[2].log}")


def test_what_is_done_is_not_run_and_what_failed_only_when_asked_to(sweep):
    tell(sweep.trials[0], "succeeded")
    tell(sweep.trials[1], "failed")
    tell(sweep.trials[2], "interrupted")
    assert [trial.id for trial in waiting(sweep, failed_too=False)] == ["003", "004"]
    assert [trial.id for trial in waiting(sweep, failed_too=True)] == ["002", "003", "004"]


def test_a_job_says_where_the_program_is_and_keeps_the_users_own_places(sweep, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/mine")
    job = job_of(sweep.trials[0])
    assert job.argv[1:] == ("-m", "wrapper.sweep.work", str(sweep.trials[0].folder))
    assert job.log == sweep.trials[0].log
    if "PYTHONPATH" in job.env:
        first, second = job.env["PYTHONPATH"].split(os.pathsep)
        assert ((Path(first) / "wrapper").is_dir(), second) == (True, "/mine")


@pytest.mark.parametrize(
    ("before", "goes_on"), [({}, True), ({"status": "interrupted"}, True), ({"status": "failed"}, False)]
)
def test_a_stage_that_failed_begins_anew_and_any_other_goes_on(tmp_path, monkeypatch, before, goes_on):
    """The states of a run that ended with a NaN are of no use."""
    (tmp_path / "lorawrap.toml").write_text("", encoding="utf-8")
    project = load_project(tmp_path)
    write_json(project.paths.run("stage_a").record, before)
    seen = []
    monkeypatch.setattr("wrapper.launch.train.go_on", lambda *_, resume: seen.append(resume))
    _train(project, "stage_a")
    assert seen == [goes_on]


def test_steps_are_counted_from_the_runs_and_the_last_one_when_all_is_measured(sweep):
    trial, planned = sweep.trials[0], {"stage_a": 10, "stage_b": 4}
    assert steps_done(trial, planned) == 0
    for stage, steps in (("stage_a", 10), ("stage_b", 3)):
        events = trial.folder / "runs" / f"{stage}-001" / "events.jsonl"
        events.parent.mkdir(parents=True)
        lines = [json.dumps({"step": step, "steps": steps, "loss": 0.5}) for step in range(steps + 1)]
        events.write_text("\n".join(lines) + '\n{"step": 99, "st', encoding="utf-8")
    assert steps_done(trial, planned) == 13
    tell(trial, "succeeded")
    assert steps_done(trial, planned) == 14
