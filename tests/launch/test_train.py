"""A stage's run from the files to the published LoRA, with a fake trainer that is a real process."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from dataset_tools.errors import RunFailed, UserError
from tests.kohya.projects import NAME, make_project
from wrapper.launch import train as launch
from wrapper.launch.state import newest_state, state_steps
from wrapper.project.load import load_project

FAKE = Path(__file__).parent / "fake_trainer"


@pytest.fixture
def behave(monkeypatch):
    """Start the fake trainer for sd-scripts, without accelerate's slow start, and say how it behaves."""
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(FAKE / "python"))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    return lambda how: monkeypatch.setenv("FAKE_TRAINER", how)


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "проект \"q\" 'a' 🙂")


def train(project, **how):
    return launch.train(project, "stage_a", engine="sd-scripts", device="cpu", **how)


def record(project):
    return json.loads(project.paths.run("stage_a").record.read_text(encoding="utf-8"))


def test_a_good_run_is_published_and_recorded(project, behave, capsys):
    behave("good")
    made = train(project)
    assert made == project.paths.lora("stage_a", NAME)
    run = project.paths.run("stage_a")
    assert made.read_bytes() == (run.output / f"{NAME}_stage_a.safetensors").read_bytes()
    told = record(project)
    assert (told["status"], told["exit_code"], told["steps"], told["planned_steps"]) == ("succeeded", 0, 6, 6)
    assert (told["engine"], told["script"], told["dataset"]) == ("sd-scripts", "train_network", "a key")
    assert len(told["base"]["sha256"]) == len(told["lora"]["sha256"]) == 64
    assert told["origins"]["network_dim"] == "lorawrap.toml"
    assert {"torch", "lorawrap", "python"} <= set(told["versions"])
    events = [json.loads(line) for line in run.events.read_text().splitlines()]
    assert [event["step"] for event in events] == list(range(7))
    assert events[-1] == {"step": 6, "steps": 6, "loss": 0.143, "elapsed_s": 6}
    assert "ухо 🙂" in run.log.read_text(encoding="utf-8")
    shown = capsys.readouterr()
    assert "6 steps: 8 images an epoch with repeats + 8 regularisation images" in shown.out
    assert "avr_loss" not in shown.out


@pytest.mark.parametrize(
    ("stage", "lost", "said"),
    [
        ("stage_a", "stage_a/train/front/2_myface person/ухо 1.png", "3 images, but 4 were built"),
        ("stage_a", "stage_a/train/front/2_myface person/ухо 1.txt", "3 captions, but 4 were built"),
        ("stage_a", "stage_a/reg/1_person/0.png", "1 images, but 2 were built"),
        ("stage_b", "stage_b/masks/front/2_myface person/ухо 1.png", "3 masks, but 4 were built"),
    ],
)
def test_a_file_lost_since_the_build_is_noticed_before_the_start(project, behave, stage, lost, said):
    behave("good")
    (project.paths.dataset / lost).unlink()
    with pytest.raises(UserError, match=said) as refused:
        launch.plan(project, stage, engine="sd-scripts", device="cpu", models=False)
    assert "lorawrap build" in refused.value.hint


FAILURES = {
    "no data": ("The trainer found no images.", "was written"),
    "zero": ("exit code 0", "changes nothing"),
    "nan": ("The loss became NaN.", "not finite"),
    "short": ("exit code 0", "has 5 steps, 6 were planned"),
    "out of memory": ("The GPU ran out of memory.", "was written"),
    "refuses": ("'huber_c' is not honoured.", "was written"),
}


@pytest.mark.parametrize("how", FAILURES)
def test_a_bad_run_is_explained_and_not_published(project, behave, how):
    behave(how)
    with pytest.raises(RunFailed) as failure:
        train(project)
    for part in FAILURES[how]:
        assert part in failure.value.message
    assert str(project.paths.run("stage_a").log) in failure.value.message
    assert not project.paths.lora("stage_a", NAME).exists()
    assert record(project)["status"] == "failed"


def test_a_bad_run_leaves_the_good_lora_of_before(project, behave):
    behave("good")
    good = train(project).read_bytes()
    behave("nan")
    with pytest.raises(RunFailed):
        train(project)
    assert project.paths.lora("stage_a", NAME).read_bytes() == good


def test_an_earlier_run_is_set_aside_not_removed(project, behave):
    behave("good")
    train(project)
    train(project)
    runs = project.paths.run("stage_a").folder.parent
    assert sorted(path.name for path in runs.iterdir()) == ["stage_a", "stage_a.1"]
    assert (runs / "stage_a.1" / "output" / f"{NAME}_stage_a.safetensors").is_file()


def test_a_worker_left_behind_does_not_hold_the_run(project, behave):
    behave("leaves a worker")
    assert train(project).is_file()


@pytest.fixture
def interrupted(project, behave, monkeypatch):
    """A run that was interrupted after a state was saved; the pids that it had."""
    behave("hang")
    pids: list[int] = []
    line = launch.Watch.line

    def on_line(watch, text: str) -> None:
        line(watch, text)
        if text.startswith("worker "):
            worker = psutil.Process(int(text.split()[1]))
            pids.extend((worker.pid, worker.ppid()))
            threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    monkeypatch.setattr(launch.Watch, "line", on_line)
    with pytest.raises(KeyboardInterrupt):
        train(project)
    monkeypatch.undo()
    return pids


def test_an_interrupt_ends_trainer_and_worker_and_is_recorded(project, interrupted):
    assert len(interrupted) == 2
    left = [pid for pid in interrupted if psutil.pid_exists(pid)]
    assert [pid for pid in left if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE] == []
    assert record(project)["status"] == "interrupted"
    assert not project.paths.lora("stage_a", NAME).exists()


@pytest.fixture
def again(interrupted, monkeypatch):
    """The fake trainer is good again, after the interruption."""
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(FAKE / "python"))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    monkeypatch.setenv("FAKE_TRAINER", "good")


def test_resume_goes_on_from_the_newest_state(project, again):
    made = train(project, resume=True)
    told = record(project)
    state = project.paths.run("stage_a").output / f"{NAME}_stage_a-000001-state"
    assert told["resumed_from"] == str(state)
    assert told["command"][-3:] == ["--resume", str(state), "--skip_until_initial_step"]
    events = project.paths.run("stage_a").events.read_text().splitlines()
    assert [json.loads(line)["step"] for line in events] == [2, 3, 4, 5, 6]
    assert made.is_file()


def test_resume_of_all_skips_what_is_done(project, again, capsys):
    launch.go_on(project, "stage_a", engine="sd-scripts", device="cpu")
    before = record(project)
    made = launch.go_on(project, "stage_a", engine="sd-scripts", device="cpu")
    assert made == project.paths.lora("stage_a", NAME)
    assert record(project) == before
    assert "stage_a: done already" in capsys.readouterr().out


def test_nothing_to_resume_is_said(project, behave):
    behave("good")
    with pytest.raises(UserError, match="no saved state to resume from"):
        train(project, resume=True)
    assert not project.paths.run("stage_a").folder.exists()


def test_a_finished_state_is_not_resumed(project):
    run = project.paths.run("stage_a")
    for name, steps in (("x-000001-state", 2), ("x-state", 6), ("x-broken-state", None)):
        (run.output / name).mkdir(parents=True)
        text = "{" if steps is None else json.dumps({"step": steps})
        (run.output / name / "train_state.json").write_text(text)
    assert newest_state(run, 7).name == "x-state"
    assert state_steps(run.output / "x-broken-state") == -1
    with pytest.raises(UserError, match="all 6 steps"):
        newest_state(run, 6)


def test_nothing_is_started_where_the_check_fails(project, behave):
    behave("good")
    caption = next((project.paths.dataset / "stage_a/train/front/2_myface person").glob("*.txt"))
    caption.write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="the caption is empty"):
        train(project)
    assert not project.paths.run("stage_a").folder.exists()


def test_half_precision_without_a_gpu_is_refused(project, behave):
    behave("good")
    fp16 = load_project(project.paths.root, ["stage_a.kohya.mixed_precision=fp16"])
    with pytest.raises(UserError, match="mixed_precision = 'fp16' needs a GPU"):
        train(fp16)
