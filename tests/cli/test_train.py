"""``lorawrap train``: dry runs, exit codes, an interrupt from outside, and a real accelerate launch."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.kohya.projects import NAME, make_project
from tests.launch.test_train import FAKE
from wrapper.cli.main import run


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(FAKE / "python"))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    monkeypatch.setenv("FAKE_TRAINER", "good")
    return make_project(tmp_path / "мой \"p\" 'q' 🙂").paths.root


def argv(root: Path, *more: str) -> list[str]:
    return ["train", "stage_a", "--project", str(root), "--engine", "sd-scripts", "--device", "cpu", *more]


def test_a_dry_run_prints_a_line_for_a_shell_and_starts_nothing(root, capsys):
    code = run(
        ["train", "all", "--project", str(root), "--engine", "embedded", "--device", "cpu", "--dry-run"]
    )
    assert code == 0
    shown = capsys.readouterr()
    first, second, step = shown.out.strip().splitlines()
    assert "stage_a: embedded, because it was asked for\n" in shown.err
    assert shlex.split(first)[-5:-4] == ["wrapper.trainer.train_network"]
    assert shlex.split(second)[-4:] == [
        *("--config_file", str(root / "config/stage_b_train.toml")),
        *("--dataset_config", str(root / "config/stage_b_dataset.toml")),
    ]
    assert not (root / "runs").exists()
    assert not (root / "config").exists()
    assert "the same command without --dry-run" in step
    render = shlex.split(step.rsplit("the line, lorawrap ", 1)[1])[:-1]
    assert run(render) == 0
    assert all(Path(name).is_file() for name in shlex.split(second)[-3::2])


def test_a_dry_run_for_several_machines_prints_the_line_of_each(root, capsys):
    machines = ["--device", "cuda", "--machines", "2", "--gpus", "4", "--dry-run"]
    assert run(argv(root, *machines, "--main-address", "node0")) == 0
    told = capsys.readouterr().out.strip().splitlines()
    assert [line.split(":")[0] for line in told[::2]] == ["# machine 0", "# machine 1", "next"]
    for rank, line in enumerate(told[1::2]):
        words = shlex.split(line)
        assert words[words.index("--machine_rank") + 1] == str(rank)
        assert words[words.index("--num_processes") + 1] == "8"
    assert run(argv(root, *machines)) == 2
    assert "--machines needs --main-address" in capsys.readouterr().err


def test_a_trained_stage_is_published(root, capsys):
    assert run(argv(root)) == 0
    assert (root / "loras" / f"{NAME}_stage_a.safetensors").is_file()
    assert "next: lorawrap generate --project" in capsys.readouterr().out


def test_a_failed_run_is_one_and_tells_command_and_log(root, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_TRAINER", "out of memory")
    assert run(argv(root)) == 1
    told = capsys.readouterr().err
    assert "stage_a: The GPU ran out of memory." in told
    assert "--config_file" in told
    assert str(root / "runs" / "stage_a-001" / "log.txt") in told
    assert "→ Lower train_batch_size" in told


def test_a_place_for_the_lora_that_is_none_is_told_before_the_training(root, capsys):
    (root / "loras").write_text("a file")
    assert run(argv(root)) == 2
    assert "loras is a file, not a folder." in capsys.readouterr().err
    assert not (root / "runs").exists()


def test_wrong_input_is_two_and_nothing_is_started(root, capsys):
    assert run(argv(root, "--set", "stage_a.kohya.network_dim=none")) == 2
    assert "'network_dim' must be a whole number" in capsys.readouterr().err
    assert run(argv(root, "--resume")) == 2
    assert not (root / "runs").exists()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM], ids=lambda kind: kind.name)
def test_a_signal_to_the_command_alone_ends_everything(root, kind):
    env = {**os.environ, "FAKE_TRAINER": "hang", "PYTHONUNBUFFERED": "1"}
    ours = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", START, *argv(root)], env=env, cwd=ours, stdout=subprocess.PIPE, text=True
    ) as command:
        worker = next(int(line.split()[1]) for line in command.stdout if line.startswith("worker "))
        family = [psutil.Process(worker), *psutil.Process(worker).parents()]
        trainer = next(process for process in family[1:] if "train_network.py" in " ".join(process.cmdline()))
        command.send_signal(kind)
        assert command.wait(60) == 130
    _, left = psutil.wait_procs([family[0], trainer], timeout=20)
    assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []
    told = json.loads((root / "runs" / "stage_a-001" / "run.json").read_text(encoding="utf-8"))
    assert told["status"] == "interrupted"


START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import wrapper.launch.children.process as process
process.run.__defaults__ = (0.5,)
from wrapper.cli.main import main
main()
"""
"""The command line with a short patience. Children of a background job ignore SIGINT unless they are told."""


def test_accelerate_really_launches_the_script(root, monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", sys.executable)
    assert run(argv(root)) == 0
    log = (root / "runs" / "stage_a-001" / "log.txt").read_text(encoding="utf-8")
    assert "fake trainer: good" in log
    monkeypatch.setenv("FAKE_TRAINER", "refuses")
    assert run(argv(root)) == 1
    log = (root / "runs" / "stage_a-002" / "log.txt").read_text(encoding="utf-8")
    assert "returned non-zero exit status 2" in log
