"""Commands as data."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from wrapper.launch.command import Command, command, embedded_trainer

FAKE = Path(__file__).parent / "fake_trainer"


@pytest.fixture
def no_checkout(monkeypatch):
    for name in ("LORAWRAP_SD_SCRIPTS", "LORAWRAP_SD_SCRIPTS_PYTHON", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


def test_the_embedded_trainer_is_started_as_sd_scripts_is(no_checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    train, dataset = tmp_path / "a train.toml", tmp_path / "a dataset.toml"
    made = command(
        embedded_trainer(), "train_network", train, dataset, device="cpu", extra=["--resume", "x y"]
    )
    assert made.argv == (
        *(sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "1", "--num_machines", "1"),
        *("--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process", "2", "--cpu"),
        *("--module", "wrapper.trainer.train_network"),
        *("--config_file", str(train), "--dataset_config", str(dataset), "--resume", "x y"),
    )


def test_a_gpu_run_has_no_cpu_flag_and_the_files_precision(no_checkout, tmp_path):
    made = command(
        embedded_trainer(),
        "train_network",
        tmp_path / "a",
        tmp_path / "b",
        device="cuda",
        mixed_precision="bf16",
        cache=tmp_path / "cache",
    )
    assert "--cpu" not in made.argv
    assert made.argv[made.argv.index("--mixed_precision") + 1] == "bf16"
    assert made.env["LORAWRAP_CACHE_DIR"] == str(tmp_path / "cache")


def test_the_shell_line_is_the_command(tmp_path):
    code = "import os, sys; print(sys.argv[1:], os.environ['A WORD'[2:]], os.getcwd())"
    folder = tmp_path / 'it\'s "here" 🙂'
    folder.mkdir()
    made = Command((sys.executable, "-c", code, "a b", "$HOME", "'"), {"WORD": 'q"$x'}, folder)
    done = subprocess.run(["sh", "-c", made.shell()], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f'{["a b", "$HOME", chr(39)]} q"$x {folder}'
    assert shlex.split(made.shell())[:2] == ["cd", str(folder)]
