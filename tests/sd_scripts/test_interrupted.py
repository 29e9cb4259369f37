"""A real run that is interrupted leaves no process behind, and goes on to the total that was asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.kohya.projects import NAME
from tests.sd_scripts.harness import TIMEOUT_S
from tests.sd_scripts.projects import ROOT, make_project, train
from wrapper.lora.verify import verify_lora
from wrapper.runs.record import status_of

STEPS = 40
SAVES = {"max_train_steps": STEPS, "save_every_n_steps": 4, "save_state": True, "save_last_n_steps_state": 8}
GONE_S = 30
"""Who guards a training whose wrapper was killed waits ten seconds before it kills, on a machine at rest."""
WORKERS = {"max_data_loader_n_workers": 2, "persistent_data_loader_workers": True}


@pytest.fixture
def project(scripts, single_base, through_wrapper, tmp_path: Path):
    base = single_base("sd15")
    through_wrapper(scripts, base)
    return make_project(tmp_path / "проект 'q' 🙂", base, **SAVES, **WORKERS)


HEEDS_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from wrapper.cli.main import main
main()
"""
"""The command line, heeding Ctrl-C also where the tests are a background job, which ignores it."""


def start_training(project) -> subprocess.Popen[str]:
    where = ("--project", str(project.paths.root), "--engine", "sd-scripts", "--device", "cpu")
    return subprocess.Popen(
        [sys.executable, "-c", HEEDS_CTRL_C, "train", "stage_a", *where],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def wait_for_a_state(project, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    output = project.paths.root / "runs"
    while not list(output.glob("*/output/*-state/random_states_0.pkl")):
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("how", "code", "status"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 130, "interrupted"), (signal.SIGKILL, -9, "died")],
    ids=["Ctrl-C", "SIGTERM", "kill -9"],
)
def test_nobody_is_left_and_the_run_goes_on(project, how: signal.Signals, code: int, status: str) -> None:
    """Launcher, trainer and its two data workers are gone; the resumed run ends at the planned total."""
    child = start_training(project)
    wait_for_a_state(project, child)
    family = psutil.Process(child.pid).children(recursive=True)
    assert len(family) >= 4, family
    os.kill(child.pid, how)
    said, _ = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == code, said
    assert psutil.wait_procs(family, timeout=GONE_S)[1] == []
    assert status_of(json.loads(project.paths.run("stage_a").record.read_text(encoding="utf-8"))) == status

    done = train(project, "stage_a", "--resume")
    assert done.returncode == 0, done.stdout
    assert verify_lora(project.paths.lora("stage_a", NAME), "sd15") == []
    after = json.loads(project.paths.run("stage_a").record.read_text(encoding="utf-8"))
    assert (after["status"], after["steps"]) == ("succeeded", STEPS)


def test_the_resumed_run_trains_the_rest_only(project) -> None:
    """Its steps begin behind those of a saved state, one is every four steps, and end at the planned one."""
    child = start_training(project)
    wait_for_a_state(project, child)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=TIMEOUT_S)
    run = project.paths.run("stage_a")
    old = len(run.events.read_text(encoding="utf-8").splitlines())

    done = train(project, "stage_a", "--resume")
    assert done.returncode == 0, done.stdout
    events = [json.loads(line) for line in run.events.read_text(encoding="utf-8").splitlines()[old:]]
    trained = [event["step"] for event in events if event["loss"] is not None]
    assert list(dict.fromkeys(trained)) == list(range(trained[0], STEPS + 1))
    assert trained[0] in range(5, STEPS, 4)
