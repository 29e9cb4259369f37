"""Commands as data."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.launch.command import Command, command, embedded_trainer
from wrapper.launch.processes import Processes, processes

FAKE = Path(__file__).parent / "fake_trainer"


@pytest.fixture
def no_checkout(monkeypatch):
    for name in ("LORAWRAP_SD_SCRIPTS", "LORAWRAP_SD_SCRIPTS_PYTHON", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


def test_the_embedded_trainer_is_started_as_sd_scripts_is(no_checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    train, dataset = tmp_path / "a train.toml", tmp_path / "a dataset.toml"
    made = command(
        embedded_trainer(), "train_network", train, dataset, Processes("cpu"), extra=["--resume", "x y"]
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
        Processes("cuda"),
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


GPUS = {
    "one": (Processes("cuda"), "--num_processes 1 --num_machines 1 --gpu_ids all"),
    "one of two": (
        Processes("cuda", gpus=(1,)),
        "--num_processes 1 --num_machines 1 --gpu_ids 1",
    ),
    "two": (
        Processes("cuda", 2),
        "--multi_gpu --num_processes 2 --num_machines 1 --main_process_port 0 --gpu_ids all",
    ),
    "these two": (
        Processes("cuda", 2, gpus=(0, 2)),
        "--multi_gpu --num_processes 2 --num_machines 1 --main_process_port 0 --gpu_ids 0,2",
    ),
    "two machines": (
        Processes("cuda", 4, machines=2, rank=1, address="node0", port=1234),
        "--multi_gpu --num_processes 8 --num_machines 2 --machine_rank 1 --main_process_ip node0"
        " --main_process_port 1234 --gpu_ids all",
    ),
}


@pytest.mark.parametrize(("where", "words"), GPUS.values(), ids=GPUS)
def test_gpus_are_started_by_accelerate(where, words):
    launcher = " ".join(where.launcher("bf16", 3))
    assert launcher == (
        f"-m accelerate.commands.launch {words} --mixed_precision bf16 --dynamo_backend no"
        " --num_cpu_threads_per_process 3"
    )


def test_accelerate_knows_every_word():
    from accelerate.commands.launch import launch_command_parser

    for where, _ in GPUS.values():
        words = launch_command_parser().parse_args([*where.launcher("no", 1)[2:], "x.py"])
        assert (words.num_processes, words.num_machines) == (where.total, where.machines)


WISHES = {
    "nothing": ({"device": "cuda"}, Processes("cuda")),
    "two": ({"device": "cuda", "gpus": "2"}, Processes("cuda", 2)),
    "all": ({"device": "cuda", "gpus": "all", "visible": 3}, Processes("cuda", 3)),
    "these": ({"device": "cuda", "gpus": "0,2", "visible": 3}, Processes("cuda", 2, (0, 2))),
    "only the second": ({"device": "cuda", "gpus": "1,"}, Processes("cuda", 1, (1,))),
    "a CPU": ({"device": "cpu"}, Processes("cpu")),
}


@pytest.mark.parametrize(("wish", "found"), WISHES.values(), ids=WISHES)
def test_wishes_become_processes(wish, found):
    assert processes(**wish) == found


REFUSED = {
    "GPUs on a CPU": ({"device": "cpu", "gpus": "2"}, "the device is the CPU"),
    "machines without GPUs": (
        {"device": "cpu", "machines": 2, "address": "a"},
        "on a CPU a run is one process",
    ),
    "words": ({"device": "cuda", "gpus": "two"}, "expected a number"),
    "none": ({"device": "cuda", "gpus": "0"}, "expected a number"),
    "twice": ({"device": "cuda", "gpus": "1,1"}, "expected a number"),
    "more than there are": ({"device": "cuda", "gpus": "3", "visible": 2}, "2 GPUs are there"),
    "not there": ({"device": "cuda", "gpus": "0,5", "visible": 1}, "1 GPU is there"),
    "no such machine": (
        {"device": "cuda", "machines": 2, "rank": 2, "address": "a"},
        "numbered 0 to 1",
    ),
    "nowhere to meet": ({"device": "cuda", "machines": 2}, "needs --main-address"),
}


@pytest.mark.parametrize(("wish", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(wish, said):
    with pytest.raises(UserError, match=said):
        processes(**wish)
