"""The guide on sd-scripts: its commands run, in order, with a stand-in for the trainer."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from dataset_tools.files import write_text
from tests.cli.test_train import root
from tests.docs.console import DOCS
from tests.docs.test_readme import TRAIN, shell_lines, write_kohya
from wrapper.cli.main import run

__all__ = ["root"]

LINES = shell_lines((DOCS / "SD_SCRIPTS.md").read_text(encoding="utf-8"))
MORE = {
    "lorawrap vendor install": "--dry-run",
    "lorawrap train stage_a --gpus all": "--device cuda --dry-run",
    "lorawrap train stage_a --machines 2 --machine-rank 0 --main-address 10.0.0.1": "--device cuda --dry-run",
}
"""What is installed, and what needs GPUs, is planned here and not done."""
DONE = ("lorawrap train stage_a --resume", "lorawrap runs resume stage_a-001")
"""Here they say that there is nothing to go on with; tests/launch goes on with runs that were interrupted."""


def test_the_commands_run_as_they_stand(root: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.chdir(root)
    write_kohya(root)
    write_text(root / "config.toml", TRAIN)
    preset = {"LoRA_type": "Standard", "train_data_dir": str(root / "img")}
    write_text(root / "lora_preset.json", json.dumps(preset))
    assert run(shlex.split("train stage_a --engine sd-scripts --set stage_a.kohya.network_dim=4")) == 0
    for line in LINES:
        with monkeypatch.context() as patch:
            if line.startswith("lorawrap vendor"):  # speaks of sd-scripts itself, not of a stand-in
                patch.delenv("LORAWRAP_SD_SCRIPTS")
                patch.delenv("LORAWRAP_SD_SCRIPTS_PYTHON")
            code = run(shlex.split(f"{line} {MORE.get(line, '')}")[1:])
        assert code == (2 if line in DONE else 0), (line, capsys.readouterr().err)
    assert len(LINES) > 14
    assert (root / "runs" / "stage_a-002" / "run.json").is_file()


def test_a_checkout_that_says_nothing_of_packages_is_no_fault(root: Path, capsys):
    assert run(["vendor", "status"]) == 0
    assert "no requirements.txt says which are needed" in capsys.readouterr().out
