"""Whole sweeps on the demo's base, really trained and measured; killed in the middle, they end the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.in_process import in_this_process
from wrapper.cli.main import run
from wrapper.demo.world import write_world
from wrapper.lora.file import read_lora
from wrapper.project.load import load_project
from wrapper.steps.job import prepare_data

__all__ = ["in_this_process"]
pytestmark = pytest.mark.slow
SETTINGS = """
[stage_a]
enabled = false
[stage_b]
preset = "demo"
kohya = { max_train_steps = 4, train_batch_size = 2, save_every_n_steps = 1 }
[evaluate]
images = 2
seeds = [1]
checkpoints = "last"
loss_timesteps = 1
"""
RATES = ("--grid", "stage_b.kohya.learning_rate=1e-4,1e-2")
OWN = ("--grid", "stage_b.kohya.learning_rate=1e-2", "--grid", "masks.dilate_px=4")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's project, built, with a short Stage B."""
    root = tmp_path_factory.mktemp("sweeps") / "демо 'q' 🙂"
    write_world(root)
    path = root / "lorawrap.toml"
    text = path.read_text(encoding="utf-8")
    kept = text[: text.index("[stage_a]")] + text[text.index("[inpaint]") : text.index("[evaluate]")]
    path.write_text(kept.replace("steps = 20", "steps = 3") + SETTINGS, encoding="utf-8")
    prepare_data(load_project(root))
    return root


def trials(root: Path) -> list[Path]:
    return sorted((root / "sweeps" / "lr" / "trials").iterdir())


@pytest.mark.skipif("LORAWRAP_FAULTS" not in os.environ, reason="minutes: asked for by LORAWRAP_FAULTS")
def test_a_killed_sweep_ends_as_an_undisturbed_one(built: Path, tmp_path: Path, capsys):
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for root in (calm, killed):
        shutil.copytree(built, root)
    assert run(["sweep", "run", "lr", "--project", str(calm), *RATES]) == 0
    said = capsys.readouterr().out
    assert "[2/2]" in said
    assert "next: lorawrap export --project" in said
    argv = [sys.executable, "-m", "wrapper", "sweep", "run", "lr", "--project", str(killed)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for moment in ("001/runs/stage_b-001/events.jsonl", "002/trial.json"):
        place = killed / "sweeps" / "lr" / "trials" / moment
        with subprocess.Popen([*argv, *RATES], **quiet) as process:
            while not place.is_file():
                assert process.poll() is None, "it ended before it was killed"
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
    assert run([*argv[3:]]) == 0
    for one, other in zip(trials(calm), trials(killed), strict=True):
        assert loras(one) == loras(other)
        assert measured(one) == measured(other)
    assert best(calm) == best(killed)


def test_a_trial_is_trained_and_measured_on_a_dataset_of_its_own(
    built: Path, capsys: pytest.CaptureFixture[str], in_this_process: None
):
    """Which trials are ranked together is asked of made sweeps, and what is killed in tests/faults."""
    assert run(["sweep", "run", "own", "--project", str(built), *OWN]) == 0
    said = capsys.readouterr().out
    assert "were measured in an earlier run" in said
    sweep = built / "sweeps" / "own"
    told, results = read(sweep / "trials" / "001" / "trial.json"), read(sweep / "results.json")
    assert (
        told["dataset_key"] == read(sweep / "datasets" / told["dataset"] / "dataset" / "dataset.json")["key"]
    )
    assert (results["best"], results["metric"], results["trials"][0]["steps"]) == ("001", "psnr_db", 4)
    assert (sweep / results["trials"][0]["lora"]).is_file()
    assert "next: lorawrap export --project" in said


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def loras(trial: Path) -> dict[str, dict[str, bytes]]:
    return {
        path.name: {name: tensor.numpy().tobytes() for name, tensor in read_lora(path).tensors.items()}
        for path in sorted((trial / "loras").iterdir())
    }


def measured(trial: Path) -> object:
    found = read(trial / "evaluation.json")
    return [found["masked"], [one["loss"] for one in found["checkpoints"]["stage_b"]]]


def best(root: Path) -> str:
    return read(root / "sweeps" / "lr" / "results.json")["best"]
