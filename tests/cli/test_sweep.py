"""``lorawrap sweep``: trials that are real processes around a fake trainer, and go on where they were."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

from tests.kohya.projects import NAME, make_project
from tests.launch.test_train import behave
from tests.project.test_lock import another
from tests.sweep.fake_jobs import wait_until
from tests.sweep.in_process import in_this_process
from wrapper.cli.main import run
from wrapper.project.load import Project
from wrapper.sweep.outcome.ranking import Ranking

__all__ = ["behave", "in_this_process"]
SWEEP = "первый 'lr' 🙂"
GRID = ("--grid", "stage_a.kohya.learning_rate=1e-5,1e-4")
ONE = ("--grid", "stage_a.kohya.learning_rate=1e-5")
FAKE = ("--set", "project.engine=sd-scripts", "--stage", "stage_a")

EMPTY = '{"stages": ["stage_a"], "keys": ["stage_a.kohya.seed"], "trials": []}'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "проект 'a' 🙂")


@pytest.fixture
def sweep(project: Project, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run ``lorawrap sweep COMMAND NAME …`` and return its exit code and all that it said."""

    def sweep(command: str, *more: str) -> tuple[int, str]:
        name = () if command == "list" else (SWEEP,)
        code = run(["sweep", command, *name, "--project", str(project.paths.root), *more])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return sweep


def trial(project: Project, number: str) -> Path:
    return project.paths.root / "sweeps" / SWEEP / "trials" / number


def record(project: Project, number: str) -> dict:
    return json.loads((trial(project, number) / "trial.json").read_text(encoding="utf-8"))


def runs(project: Project, number: str) -> list[str]:
    return sorted(path.name for path in (trial(project, number) / "runs").glob("*"))


def test_a_dry_run_shows_every_trial_and_writes_nothing(project, sweep, behave):
    before = sorted(project.paths.root.rglob("*"))
    code, said = sweep("run", *GRID, *FAKE, "--dry-run")
    assert code == 0
    assert "001 new: learning_rate 1e-05 (stage_a 6 steps)\n" in said
    assert "2 trials to run, 12 steps in all, 1 at once\n" in said
    assert sorted(project.paths.root.rglob("*")) == before


def test_trials_are_trained_ranked_and_not_trained_again(project, sweep, behave, in_this_process):
    behave("good")
    code, said = sweep("run", *GRID, *FAKE)
    assert code == 0, said
    assert "[1/2] 001 succeeded in" in said
    assert "on here: learning_rate 0.0001" in said
    for number in ("001", "002"):
        told = record(project, number)
        assert (told["status"], told["where"], told["attempts"]) == ("succeeded", platform.node(), 1)
        assert (told["dataset_key"], told["measured"]) == ("a key", False)
        assert (trial(project, number) / "loras" / f"{NAME}_stage_a.safetensors").is_file()
    assert not project.paths.runs.exists()
    assert (project.paths.root / "sweeps" / SWEEP / "results.csv").is_file()
    code, said = sweep("run")
    assert code == 0
    assert "0 of 2 trials to run" in said
    assert runs(project, "001") == ["stage_a-001"]
    assert "next: lorawrap evaluate --project" in said  # which says why nothing could be measured
    code, said = sweep("list")
    assert f"{SWEEP}: stage_a.kohya.learning_rate\n  2 trials: 2 succeeded\n" in said
    code, said = sweep("show")
    assert code == 0
    assert "2 trials, 2 succeeded" in said


def test_trials_are_ranked_by_what_set_says(project, sweep, behave, in_this_process, monkeypatch):
    seen = []
    ranked = "wrapper.sweep.outcome.ranking.rank"
    monkeypatch.setattr(ranked, lambda found, by: seen.append(by) or Ranking(found, "stage_a", None, [], []))
    behave("good")
    assert sweep("run", *ONE, *FAKE, "--set", "evaluate.choose_by=ssim")[0] == 0
    assert sweep("show")[0] == 0
    assert sweep("show", "--by", "loss")[0] == 0
    assert seen == ["ssim", "ssim", "loss"]


def test_a_failed_trial_says_why_and_is_run_again_when_asked_to(project, sweep, behave, in_this_process):
    behave("refuses")
    code, said = sweep("run", *ONE, *FAKE)
    assert code == 1
    assert "001 failed in" in said
    assert "'huber_c' is not honoured." in said
    assert str(trial(project, "001") / "log.txt") in said
    assert "--again failed" in said
    behave("good")
    code, said = sweep("run")
    assert (code, "0 of 1 trials to run" in said) == (0, True)
    assert record(project, "001")["status"] == "failed"
    assert sweep("run", "--again", "failed")[0] == 0
    assert (record(project, "001")["status"], record(project, "001")["attempts"]) == ("succeeded", 2)
    assert "why" not in record(project, "001")
    assert runs(project, "001") == ["stage_a-001", "stage_a-002"]


def start(project: Project, *more: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "wrapper", "sweep", "run", SWEEP, "--project", str(project.paths.root)]
    return subprocess.Popen([*argv, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def started_by(project: Project) -> list[psutil.Process]:
    """Every process with the sweep's folder on its command line, but the sweep itself."""
    where = str(project.paths.root / "sweeps")
    return [one for one in psutil.process_iter() if where in _line(one)]


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


INTERRUPTS = "processes that are interrupted: asked for by LORAWRAP_FAULTS"


@pytest.mark.parametrize(
    "kind",
    [
        signal.SIGKILL,
        pytest.param(
            signal.SIGINT,
            marks=pytest.mark.skipif("LORAWRAP_FAULTS" not in os.environ, reason=INTERRUPTS),
        ),
    ],
    ids=lambda kind: kind.name,
)
def test_a_sweep_that_was_cut_off_goes_on_where_it_was(project, sweep, behave, in_this_process, kind):
    behave("hang")
    events = trial(project, "001") / "runs" / "stage_a-001" / "events.jsonl"
    with start(project, *ONE, *FAKE) as process:
        wait_until(lambda: events.is_file() and '"step": 3' in events.read_text())
        assert len(started_by(project)) >= 3
        process.send_signal(kind)
        said = process.stdout.read() if kind == signal.SIGINT else ""
        process.wait()
    wait_until(lambda: not started_by(project))
    if kind == signal.SIGINT:
        assert process.returncode == 130
        assert "Interrupted." in said
        assert record(project, "001")["status"] == "interrupted"
    behave("good")
    code, said = sweep("run")
    assert code == 0, said
    assert record(project, "001")["attempts"] == 2
    assert runs(project, "001") == ["stage_a-001"]
    assert "goes on after step 2 of 6" in (trial(project, "001") / "log.txt").read_text(encoding="utf-8")
    run_json = json.loads((events.parent / "run.json").read_text(encoding="utf-8"))
    assert (run_json["status"], run_json["steps"], len(run_json["segments"])) == ("succeeded", 6, 2)


def test_an_interrupted_trial_says_so_and_ends_the_sweep(
    project, sweep, behave, in_this_process, monkeypatch
):
    """What the signals do to real processes is seen on the engine itself, and where faults are asked for."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wrapper.launch.train.go_on", interrupted)
    code, said = sweep("run", *ONE, *FAKE)
    assert (code, record(project, "001")["status"]) == (1, "interrupted")
    assert "next: lorawrap sweep run" in said
    monkeypatch.setattr("wrapper.sweep.queue.ended_as", interrupted)
    code, said = sweep("run")
    assert (code, "Interrupted.\n  → The same command goes on" in said) == (130, True)


def test_one_sweep_runs_once_and_the_dataset_is_kept_from_others(project, sweep, behave):
    behave("good")
    cache = project.paths.root / "sweeps" / SWEEP / ".lorawrap"
    with another(cache, writes=["sweep"]) as process:
        code, said = sweep("run", *GRID, *FAKE)
    assert (code, f"is at work on its sweep (process {process.pid}" in said) == (2, True)
    with another(project.paths.cache, writes=["dataset"]) as process:
        code, said = sweep("run", *GRID, *FAKE)
    assert (code, f"is at work on its dataset (process {process.pid}" in said) == (2, True)


def test_a_trial_that_another_process_has_is_left_to_it(project, sweep, behave):
    with another(trial(project, "001") / ".lorawrap", writes=["stage_a"]) as process:
        code, said = sweep("run", *ONE, *FAKE)
    assert code == 1
    assert "001 refused" in said
    assert "it did not start" in said
    assert f"process {process.pid}" in (trial(project, "001") / "log.txt").read_text(encoding="utf-8")
    assert not (trial(project, "001") / "trial.json").exists()


BAD: dict[str, tuple[Sequence[str], str]] = {
    "no grid": ((), "no --grid and no --list to begin one"),
    "ray and slurm": ((*GRID, "--ray", "auto", "--slurm"), "a sweep runs in one place"),
    "gpus and ray": ((*GRID, "--ray", "auto", "--gpus", "2"), "--gpus is for this machine"),
    "share": ((*GRID, "--gpu-share", "0.5"), "belong to --ray"),
    "slurm-set": ((*GRID, "--slurm-set", "partition=a"), "--slurm-set belongs to --slurm"),
    "no gpu": ((*GRID, "--gpus", "all"), "there is no GPU here"),
    "list": ((*GRID, "--list", "нет.csv"), "there is no such file"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_a_sentence(sweep, case: str):
    asked, said = BAD[case]
    code, output = sweep("run", *asked)
    assert (code, said in output) == (2, True), output


RAY, SLURM = "wrapper.sweep.engines.ray_cluster.look", "wrapper.sweep.engines.slurm.look"


@pytest.mark.parametrize(
    ("asked", "device", "place", "told"),
    [
        (("--ray", "auto"), None, RAY, "1 trial to run, 6 steps in all, 7 at once\n"),
        (("--ray", "local", "--gpu-share", "0.5", "--cpus", "2"), "cuda", RAY, "7 at once"),
        (("--ray", "h:1", "--gpu-share", "0"), "cpu", RAY, "7 at once"),
        (("--slurm",), None, SLURM, "7 at once"),
        (("--slurm", "--slurm-set", "gpus_per_node=1", "--slurm-set", "partition=a"), "cuda", SLURM, "7 at"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value)[-8:].strip(),
)
def test_a_dry_run_looks_at_the_cluster(sweep, behave, monkeypatch, asked, device, place, told):
    """Trials are checked for the machines that they will run on."""
    seen = []
    monkeypatch.setattr(
        "wrapper.sweep.planning.checking.check_trials",
        lambda plan, trials, on: seen.append(on) or {"001": {"stage_a": 6}},
    )
    monkeypatch.setattr(place, lambda *_, **__: 7)
    code, said = sweep("run", *ONE, *FAKE, *asked, "--dry-run")
    assert (code, seen, told in said) == (0, [device], True), said


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("--ray", "127.0.0.1:1"), "ray"),
        (("--slurm",), "slurm"),
    ],
    ids=["ray", "slurm"],
)
def test_a_dry_run_shows_the_plan_and_says_that_the_cluster_is_not_there(
    sweep, behave, monkeypatch, asked, why
):
    monkeypatch.setenv("PATH", "")
    code, said = sweep("run", *ONE, *FAKE, *asked, "--dry-run")
    assert code == 2
    assert "001 new: learning_rate 1e-05" in said
    assert "Nothing was written: this was a dry run." in said
    assert re.search(f"It would not begin now: sweep: (--{why} needs|no Ray cluster at)", said), said
    assert "next:" not in said


def test_a_sweep_that_is_not_there(sweep):
    for command in ("show", "cancel"):
        code, said = sweep(command)
        assert code == 2
        assert "there is no sweep here" in said
    assert "next: lorawrap sweep run NAME --grid" in sweep("list")[1]


def test_a_sweep_whose_record_is_broken_hides_no_other(sweep, project):
    for name in ("a broken one", "an empty one"):
        folder = project.paths.root / "sweeps" / name
        folder.mkdir(parents=True)
        (folder / "sweep.json").write_text("{" if "broken" in name else EMPTY, encoding="utf-8")
    code, said = sweep("list")
    assert code == 0
    assert "a broken one" in said
    assert "an empty one: stage_a.kohya.seed\n  0 trials: \n" in said
