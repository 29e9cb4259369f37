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
import tomllib

from dataset_tools.errors import RunFailed, UserError
from dataset_tools.files import write_json
from tests.kohya.projects import NAME, make_project
from wrapper.launch import train as launch
from wrapper.launch.plan import Wish, plan_on
from wrapper.launch.processes import Processes
from wrapper.project.load import load_project
from wrapper.runs.counting import Schedule
from wrapper.runs.events import read_events
from wrapper.runs.state import counted_steps, find_start, saved_states
from wrapper.safetensors_header import read_header

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
    assert json.loads(run.origins.read_text())["network_dim"] == "lorawrap.toml"
    assert {"torch", "lorawrap", "python"} <= set(told["versions"])
    assert run.id == "stage_a-001"
    values = tomllib.loads(run.train_toml.read_text(encoding="utf-8"))
    assert values["saving_arguments"]["output_dir"] == str(run.output)
    files = json.loads(run.inputs.read_text(encoding="utf-8"))["files"]
    assert files["dataset/stage_a/train/front/2_myface person/ухо 1.txt"]
    assert len(files) == told["files"]["count"] == 12
    assert "<polyline" in run.curve.read_text(encoding="utf-8")
    events = [json.loads(line) for line in run.events.read_text().splitlines()]
    assert [event["step"] for event in events] == list(range(7))
    assert events[-1] == {"step": 6, "steps": 6, "loss": 0.143, "elapsed_s": 6, "left_s": 1}
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
    "short": ("exit code 0", "has 5 steps, 6 were planned"),
    "silent and short": ("exit code 0", "the log shows 3 of 6"),
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
    with pytest.raises(RunFailed, match="not finite"):
        train(project, nan_limit=0)
    assert project.paths.lora("stage_a", NAME).read_bytes() == good


def test_each_run_has_a_folder_that_keeps_its_name(project, behave):
    behave("good")
    train(project)
    first = project.paths.run("stage_a")
    kept = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    train(project)
    assert sorted(path.name for path in project.paths.runs.iterdir()) == ["stage_a-001", "stage_a-002"]
    assert {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()} == kept


def test_steps_that_the_file_does_not_tell_are_proved_by_the_log(project, behave):
    behave("silent")
    assert train(project).is_file()
    told = record(project)
    assert (told["steps"], told["proved_by"]) == (6, "the log")


def test_a_run_whose_loss_stays_nan_is_ended(project, behave, monkeypatch):
    monkeypatch.setenv("FAKE_PAUSE_S", "0.3")
    behave("nan")
    with pytest.raises(RunFailed, match="The loss is NaN: ended at step 3") as failure:
        train(project)
    assert "learning_rate" in failure.value.hint
    assert record(project)["status"] == "failed"
    assert not list(project.paths.run("stage_a").output.glob("*.safetensors"))


def test_a_worker_left_behind_does_not_hold_the_run(project, behave):
    behave("leaves a worker")
    assert train(project).is_file()


def interrupt(project, monkeypatch, resume=None) -> list[int]:
    """Start a run that saves a state and hangs, and interrupt it; the pids that it had."""
    pids: list[int] = []
    line = launch.Watch.line

    def on_line(watch, text: str) -> None:
        line(watch, text)
        if text.startswith("worker "):
            worker = psutil.Process(int(text.split()[1]))
            pids.extend((worker.pid, worker.ppid()))
            threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    with monkeypatch.context() as patch:
        patch.setenv("FAKE_TRAINER", "hang")
        patch.setattr(launch.Watch, "line", on_line)
        with pytest.raises(KeyboardInterrupt):
            launch.resume_run(project, resume, device="cpu") if resume else train(project)
    return pids


@pytest.fixture
def interrupted(project, behave, monkeypatch):
    """The project's first run was interrupted after a state of step 2 was saved; the pids that it had."""
    behave("good")
    return interrupt(project, monkeypatch)


def test_a_run_goes_on_where_it_was(project, interrupted):
    run = project.paths.run("stage_a")
    told = {**record(project), "processes": {**record(project)["processes"], "device": "cuda", "here": 2}}
    planned = plan_on(project, run, told, Wish())
    assert (planned.where.device, planned.where.here) == ("cuda", 2)
    assert plan_on(project, run, told, Wish(device="cpu")).where == Processes("cpu")


def test_an_interrupt_ends_trainer_and_worker_and_is_recorded(project, interrupted):
    assert len(interrupted) == 2
    left = [pid for pid in interrupted if psutil.pid_exists(pid)]
    assert [pid for pid in left if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE] == []
    assert record(project)["status"] == "interrupted"
    assert not project.paths.lora("stage_a", NAME).exists()


def steps_in(run):
    return [json.loads(line)["step"] for line in run.events.read_text().splitlines()]


def test_an_interrupt_says_how_to_go_on(project, behave, monkeypatch, capsys):
    behave("good")
    interrupt(project, monkeypatch)
    told = capsys.readouterr().err
    assert "stage_a-001: stopped at step 3 of 6" in told
    assert "`lorawrap runs resume stage_a-001` goes on after step 2." in told


def test_resume_goes_on_in_the_same_folder_to_the_planned_total(project, interrupted):
    made = train(project, resume=True)
    told = record(project)
    run = project.paths.run("stage_a")
    state = run.output / f"{NAME}_stage_a-000001-state"
    assert [path.name for path in project.paths.runs.iterdir()] == ["stage_a-001"]
    assert told["resumed_from"] == f"stage_a-001/output/{state.name}"
    resuming = ["--resume", str(state), "--initial_step", "2", "--skip_until_initial_step"]
    assert told["command"][-5:] == resuming
    assert [segment["done"] for segment in told["segments"]] == [0, 2]
    assert steps_in(run) == [3, 2, 3, 4, 5, 6]
    assert [event["step"] for event in read_events(run.events)] == [2, 3, 4, 5, 6]
    assert (told["status"], told["steps"]) == ("succeeded", 6)
    assert made.is_file()
    assert run.log.read_text(encoding="utf-8").count("fake trainer:") == 2


@pytest.fixture
def longer(project, behave, monkeypatch):
    """20 steps of 8 batches an epoch, interrupted after the first epoch, and again after the second."""
    behave("good")
    longer = load_project(project.paths.root, ["stage_a.kohya.max_train_steps=20"])
    monkeypatch.setenv("FAKE_STATE", "8")
    interrupt(longer, monkeypatch)
    return longer


def test_a_run_that_is_counted_anew_still_has_the_planned_total(longer):
    run = longer.paths.run("stage_a")
    made = launch.resume_run(longer, run, device="cpu")
    told = record(longer)
    assert (told["status"], told["steps"], told["segments"][1]["counted_from"]) == ("succeeded", 20, 0)
    assert read_events(run.events)[-1]["step"] == 20
    checkpoint = read_header(run.output / f"{NAME}_stage_a-step00000010.safetensors")
    assert checkpoint.metadata["ss_steps"] == "10"
    own = run.output / "from-000008" / f"{NAME}_stage_a.safetensors"
    assert read_header(own).metadata["ss_steps"] == "12"
    assert read_header(made).metadata["ss_steps"] == "20"


def test_a_state_of_a_resumed_run_knows_its_steps(longer, monkeypatch):
    run = longer.paths.run("stage_a")
    monkeypatch.setenv("FAKE_STATE", "8")
    interrupt(longer, monkeypatch, resume=run)
    assert [state.step for state in saved_states(run)] == [8, 16]
    monkeypatch.setenv("FAKE_TRAINER", "short")
    with pytest.raises(RunFailed, match="has 3 steps, 4 were planned"):
        launch.resume_run(longer, run, device="cpu")
    monkeypatch.setenv("FAKE_TRAINER", "good")
    launch.resume_run(longer, run, device="cpu")
    assert record(longer)["status"] == "succeeded"


def test_a_run_that_was_changed_is_not_gone_on_with(project, interrupted):
    run = project.paths.run("stage_a")
    folder = project.paths.dataset / "stage_a/train/front/2_myface person"
    (folder / "ухо 1.txt").write_text("another caption", encoding="utf-8")
    (folder / "ухо 2.txt").unlink()
    (folder / "ухо 2.caption").write_text("myface person", encoding="utf-8")
    text = run.train_toml.read_text(encoding="utf-8")
    with pytest.raises(UserError, match="caption"):
        launch.resume_run(project, run, device="cpu")
    (folder / "ухо 2.caption").rename(folder / "ухо 2.txt")
    run.train_toml.write_text(text.replace("seed = ", "seed = 1"), encoding="utf-8")
    with pytest.raises(UserError) as refused:
        launch.resume_run(project, run, device="cpu")
    for part in ("train.toml was edited", "ухо 1.txt", "are changed", "--anyway"):
        assert part in refused.value.message + refused.value.hint
    assert launch.resume_run(project, run, device="cpu", anyway=True).is_file()


def test_a_run_that_failed_at_once_does_not_hide_the_state_before_it(project, interrupted, behave):
    behave("out of memory")
    with pytest.raises(RunFailed):
        train(project)
    behave("good")
    train(project, resume=True)
    told = json.loads((project.paths.runs / "stage_a-001" / "run.json").read_text(encoding="utf-8"))
    assert (told["status"], told["steps"]) == ("succeeded", 6)


def test_other_settings_go_on_in_a_new_run(project, interrupted, capsys):
    more = load_project(project.paths.root, ["stage_a.kohya.max_train_steps=7"])
    train(more, resume=True)
    assert "stage_a-002 is a new run, from a state of stage_a-001: max_train_steps 6 → 7" in (
        capsys.readouterr().out
    )
    told = record(project)
    assert (told["id"], told["steps"]) == ("stage_a-002", 7)
    assert told["resumed_from"].startswith("stage_a-001/output/")


def test_a_run_that_still_runs_is_not_gone_on_with(project, interrupted):
    run = project.paths.run("stage_a")
    told = record(project)
    run.record.write_text(json.dumps({**told, "status": "running"}), encoding="utf-8")
    with pytest.raises(UserError, match="stage_a-001 runs now"):
        launch.resume_run(project, run, device="cpu")


def test_states_of_the_other_trainer_are_refused(project, interrupted):
    with pytest.raises(UserError, match="was trained by sd-scripts, whose states embedded cannot read"):
        launch.train(project, "stage_a", engine="embedded", device="cpu", resume=True)


def test_resume_of_all_skips_what_is_done(project, interrupted, capsys):
    launch.go_on(project, "stage_a", engine="sd-scripts", device="cpu")
    before = record(project)
    made = launch.go_on(project, "stage_a", engine="sd-scripts", device="cpu")
    assert made == project.paths.lora("stage_a", NAME)
    assert record(project) == before
    assert "stage_a: done already" in capsys.readouterr().out


def test_nothing_to_resume_is_said(project, behave):
    behave("good")
    with pytest.raises(UserError, match="no whole saved state to resume from"):
        train(project, resume=True)
    assert not project.paths.runs.exists()


def test_a_finished_state_is_not_resumed(project):
    run = project.paths.run("stage_a")
    for name, steps in (("x-000001-state", 2), ("x-state", 6), ("x-broken-state", None)):
        (run.output / name).mkdir(parents=True)
        text = "{" if steps is None else json.dumps({"step": steps})
        (run.output / name / "train_state.json").write_text(text)
    assert find_start(run, Schedule(7, 8), "embedded").state.name == "x-state"
    assert counted_steps(run.output / "x-broken-state") == -1
    with pytest.raises(UserError, match="all 5 steps"):
        find_start(run, Schedule(5, 8), "embedded")
    write_json(run.record, {"status": "succeeded"})
    with pytest.raises(UserError, match="all 6 steps"):
        find_start(run, Schedule(6, 8), "embedded")


def test_a_run_that_was_cut_off_after_its_last_state_goes_on(project):
    run = project.paths.run("stage_a")
    for name, steps in (("x-000004-state", 4), ("x-state", 6)):
        (run.output / name).mkdir(parents=True)
        write_json(run.output / name / "train_state.json", {"step": steps})
    assert find_start(run, Schedule(6, 8), "embedded").done == 6
    assert find_start(run, Schedule(6, 8), "sd-scripts").done == 4


def test_the_newest_whole_state_is_taken_and_stopped_in_time(project):
    run = project.paths.run("stage_a")
    for steps in (4, 8):
        (run.output / f"x-{steps:06d}-state").mkdir(parents=True)
        (run.output / f"x-{steps:06d}-state" / "train_state.json").write_text(f'{{"current_step": {steps}}}')
        (run.output / f"x-{steps:06d}-state" / "random_states_0.pkl").touch()
    (run.output / "x-torn-state").mkdir()
    (run.output / "x-torn-state" / "train_state.json").write_text('{"current_step": 9}')
    assert find_start(run, Schedule(12, 4), "sd-scripts").done == 8
    start = find_start(run, Schedule(10, 4), "sd-scripts")
    assert (start.done, start.stop_after) == (8, 2)


def test_several_processes_are_counted(project, behave, monkeypatch):
    behave("good")
    planned = launch.plan(project, "stage_a", engine="sd-scripts", device="cuda", gpus="2")
    assert planned.schedule == Schedule(6, 4)
    epochs = load_project(project.paths.root, ["stage_a.kohya.max_train_epochs=3"])
    planned = launch.plan(epochs, "stage_a", engine="sd-scripts", device="cuda", gpus="2")
    assert planned.steps == 12
    with pytest.raises(UserError, match="embedded trainer is one process, not 2"):
        launch.plan(project, "stage_a", engine="embedded", device="cuda", gpus="2")


def test_a_machine_that_only_helps_publishes_nothing(project, behave):
    behave("good")
    how = {"engine": "sd-scripts", "device": "cuda", "machines": 2, "main_address": "node0"}
    launch.train(project, "stage_a", machine_rank=1, **how)
    told = record(project)
    assert (told["status"], told["steps"], told["proved_by"]) == ("succeeded", 6, "the log")
    assert not project.paths.lora("stage_a", NAME).exists()


def test_a_dry_plan_writes_nothing(project, behave):
    behave("good")
    before = sorted(project.paths.root.rglob("*"))
    planned = launch.plan(project, "stage_a", dry=True, engine="sd-scripts", device="cpu")
    assert str(project.paths.runs / "stage_a-001" / "train.toml") in planned.command.argv
    wrong = load_project(project.paths.root, ["stage_a.kohya.network_dim=none"])
    with pytest.raises(UserError, match=r"stage_a_train\.toml:\d+ .*'network_dim' must be"):
        launch.plan(wrong, "stage_a", dry=True, engine="sd-scripts", device="cpu")
    assert sorted(project.paths.root.rglob("*")) == before


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
