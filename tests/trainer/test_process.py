"""The trainer as a child process: its lines, its exit codes, its death."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from dataset_tools.files import whole_file
from wrapper.trainer.config import Settings
from wrapper.trainer.train import main


def test_progress_lines_and_exit_code_are_those_of_sd_scripts(make_settings, launch, tmp_path: Path):
    make_settings(max_train_steps=2)
    child = launch("train_network", "--network_dim", "3")
    out, err = child.communicate()
    assert child.returncode == 0, err
    assert re.search(r"steps: 100%\|.+\| 2/2 \[.+, avr_loss=\d", out)
    assert (tmp_path / "out put" / "zorn.safetensors").is_file()


def test_wrong_input_is_one_sentence_and_exit_code_2(make_settings, launch):
    make_settings()
    child = launch("train_network", "--learnig_rate", "1")
    out, err = child.communicate()
    assert (child.returncode, out) == (2, "")
    assert err == (
        "error: command line: 'learnig_rate' is not an option of the embedded trainer. "
        "Did you mean 'learning_rate'?\n"
    )


def test_a_signal_ends_it_with_nothing_half_written(make_settings, launch, tmp_path: Path):
    make_settings(max_train_steps=100000, save_every_n_steps=1)
    child = launch("train_network")
    while "avr_loss" not in child.stdout.read(200):
        assert child.poll() is None
    child.terminate()
    child.communicate()
    assert child.returncode == 143
    left = {path.name for path in (tmp_path / "out put").iterdir()}
    assert left
    assert all(re.fullmatch(r"zorn-step\d{8}\.safetensors", name) for name in left)


def test_an_interrupt_unwinds_it_as_an_exception(make_settings, monkeypatch, tmp_path: Path, capfd):
    make_settings()
    handled = signal.getsignal(signal.SIGTERM)

    def train(_: Settings) -> None:
        with whole_file(tmp_path / "zorn.safetensors") as half:
            half.write_bytes(b"half")
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("wrapper.trainer.run.run", train)
    try:
        code = main(["--config_file", str(tmp_path / "train.toml")], "train_network")
    finally:
        signal.signal(signal.SIGTERM, handled)
    assert code == 130
    assert capfd.readouterr().err.endswith("interrupted\n")
    assert not list(tmp_path.glob("*zorn*"))
