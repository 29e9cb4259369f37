"""Two commands at once on one project, each a process: who may, and who is told of the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from tests.kohya.projects import make_image, make_project
from wrapper.cli.main import run

FAKE = Path(__file__).parents[2] / "launch" / "fake_trainer"
MANIFEST = '\n[manifest]\npath = "manifest.csv"\n'
STOPPED = """
import importlib, sys, time

def stop(*_, **__):
    print("at work", flush=True)
    time.sleep(120)

module, _, name = sys.argv[1].rpartition(".")
setattr(importlib.import_module(module), name, stop)
from wrapper.steps import preflight
preflight.check_requests = lambda _: None
from wrapper.cli.main import run
sys.exit(run(sys.argv[2:]))
"""
"""A command that stays where its work would begin."""
WORK = {
    "train": "wrapper.launch.train.train",
    "build": "wrapper.steps.dataset.plan_dataset",
    "qc": "wrapper.steps.quality.inspect",
    "run": "wrapper.steps.job.run_job",
    "sweep": "wrapper.sweep.queue.run_trials",
    "report": "wrapper.report.report.write_report",
    "captions": "dataset_tools.captioning.edit.apply",
    "qc of a folder": "dataset_tools.quality.qc.inspection",
    "captions of a folder": "dataset_tools.captioning.edit.apply",
}
GRID = ("--stage", "stage_a", "--grid", "stage_a.kohya.learning_rate=1e-4,1e-3")
ARGV = {
    "train": ["train", "stage_a", "--engine", "sd-scripts", "--device", "cpu", "--project", "{p}"],
    "build": ["build", "--project", "{p}"],
    "qc": ["qc", "--project", "{p}"],
    "run": ["run", "--project", "{p}"],
    "sweep": ["sweep", "run", "lr", *GRID, "--project", "{p}"],
    "report": ["report", "--project", "{p}"],
    "captions": ["captions", "{p}/dataset", "--prefix", "drawn"],
    "qc of a folder": ["qc", "{p}/../фото", "--out", "{p}/../итог"],
    "captions of a folder": ["captions", "{p}/../фото", "--prefix", "drawn"],
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(FAKE / "python"))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    monkeypatch.setattr("wrapper.steps.preflight.check_requests", lambda _: None)
    monkeypatch.setattr("wrapper.sweep.planning.checking.check_trials", lambda *_: {})
    root = make_project(tmp_path / "проект 'é' 🙂", MANIFEST).paths.root
    make_image(root / "ухо.png")
    make_image(tmp_path / "фото" / "ухо.png")
    (tmp_path / "фото" / "ухо.txt").write_text("an ear", encoding="utf-8")
    (root / "manifest.csv").write_text(
        "image,subject,age,view,type,ear_side,consent,prompt\n"
        "ухо.png,anna,23-25,front,bust,none,ID-1,an ear\n",
    )
    return root


def begun(project: Path, name: str) -> list[str]:
    return [one.replace("{p}", str(project)) for one in ARGV[name]]


@contextmanager
def at_work(argv: list[str], said: str) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that has ``said`` so; it is killed at the end."""
    with subprocess.Popen(
        [sys.executable, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            told = []
            for line in process.stdout:
                told.append(line)
                if said in line:
                    break
            else:
                pytest.fail("".join(told))
            yield process
        finally:
            process.kill()


def second(project: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys) -> str:
    """What is said by a command that is begun beside another: ``reached its work`` when it may."""

    def reached(*_: object, **__: object) -> None:
        raise UserError("reached its work")

    monkeypatch.setattr(WORK[name], reached)
    capsys.readouterr()
    assert run(begun(project, name)) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("first", "then", "part"),
    [
        ("qc", "run", "qc"),
        ("run", "qc", "qc"),
        ("sweep", "build", "dataset"),
        ("build", "sweep", "dataset"),
        ("build", "captions", "dataset"),
        ("captions", "train", "dataset"),
        ("sweep", "sweep", "sweep"),
        ("qc of a folder", "qc of a folder", "qc"),
        ("captions of a folder", "captions of a folder", "dataset"),
        ("train", "report", ""),
        ("train", "build", "dataset"),
        ("sweep", "train", ""),
        ("train", "sweep", ""),
    ],
)
def test_two_commands(project: Path, monkeypatch: pytest.MonkeyPatch, capsys, first, then, part):
    with at_work(["-c", STOPPED, WORK[first], *begun(project, first)], "at work") as process:
        said = second(project, then, monkeypatch, capsys)
        if part:
            command = "sweep run" if first == "sweep" else first.partition(" of ")[0]
            assert f"`lorawrap {command}` is at work on its {part} (process {process.pid}, since" in said
        else:
            assert "reached its work" in said


def test_a_second_training_is_refused_until_the_first_was_killed(project: Path, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_TRAINER", "hang")
    with at_work(["-m", "wrapper", *begun(project, "train")], "fake trainer") as process:
        assert run(begun(project, "train")) == 2
        said = capsys.readouterr().err
        assert f"`lorawrap train` is at work on its stage_a (process {process.pid}, since" in said
        process.kill()
        process.wait()
    monkeypatch.setenv("FAKE_TRAINER", "good")
    assert run(begun(project, "train")) == 0
    assert sorted(path.name for path in (project / "runs").iterdir()) == ["stage_a-001", "stage_a-002"]
