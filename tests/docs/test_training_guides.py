"""The guides on training: every command runs, in order, in a few steps; their tables are the presets'."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import toml

from benchmarks.guides.face import take_settings, write_face
from tests.docs.console import DOCS, commands
from tests.forked_trainers import forked_trainers
from tests.launch.test_train import FAKE
from wrapper.cli.main import run
from wrapper.kohya.presets import read_preset

__all__ = ["forked_trainers"]
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FEW: dict[str, dict[str, Any]] = {
    "stage_a": {"kohya": {"max_train_steps": 3, "save_every_n_steps": 2}},
    "stage_b": {"kohya": {"max_train_steps": 3, "save_every_n_steps": 2}},
    "regularisation": {"count": 4, "steps": 1},
    "generate": {"steps": 1, "seeds": [1]},
    "inpaint": {"steps": 1},
    "evaluate": {"images": 3, "seeds": [1], "loss_timesteps": 1},
}
"""Laid over the project file: what takes minutes in the guides takes seconds here."""
LONGER = {"max_train_steps=400": "max_train_steps=4"}


def shrink(project_file: Path) -> None:
    data = toml.loads(project_file.read_text(encoding="utf-8"))
    for name, table in FEW.items():
        kept = data.get(name, {})
        inner = {
            key: {**kept.get(key, {}), **value} for key, value in table.items() if isinstance(value, dict)
        }
        data[name] = {**kept, **table, **inner}
    project_file.write_text(toml.dumps(data), encoding="utf-8")


def in_few(argv: list[str]) -> list[str]:
    """``argv`` with fewer steps, where the guide says how many on the command line."""
    return [
        next((word.replace(old, new) for old, new in LONGER.items() if old in word), word) for word in argv
    ]


def run_all(guide: str, capsys, *, after_first=lambda: None) -> str:
    """Run a guide's commands in the current folder; ``after_first`` comes behind the first one."""
    said = ""
    for number, argv in enumerate(commands(guide)):
        code = run(in_few(argv))
        shown = capsys.readouterr()
        assert code == 0, (argv, shown.err)
        said += shown.out
        if number == 0:
            after_first()
    return said


@pytest.mark.usefixtures("forked_trainers")
def test_the_two_stages_run_as_their_guides_say(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    project_file = Path("demo/lorawrap.toml")
    said = run_all("STAGE_A_TRAINING.md", capsys, after_first=lambda: shrink(project_file))
    assert "stage_a-002 is a new run, from a state of stage_a-001: max_train_steps 3 → 4" in said
    run_all("STAGE_B_TRAINING.md", capsys)
    assert Path("mended.png").is_file()
    assert json.loads(Path("demo/choice.json").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("forked_trainers")
def test_the_face_runs_as_its_guide_says(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_face(tmp_path)

    def edit() -> None:
        take_settings(Path("lora/lorawrap.toml"))
        shrink(Path("lora/lorawrap.toml"))

    run_all("SDXL_FACE.md", capsys, after_first=edit)
    assert Path("lora/export").is_dir()


def test_several_gpus_are_planned_as_the_guide_says(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(FAKE))
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(FAKE / "python"))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    said = run_all("SEVERAL_GPUS.md", capsys)
    for promised in (
        "--multi_gpu --num_processes 2 --num_machines 1 --main_process_port 0",
        "--gpu_ids 0,2",
        "--num_processes 8 --num_machines 2 --machine_rank 1 --main_process_ip 10.0.0.1",
        "8 batches, 8 steps an epoch, 38 epochs",
        "8 batches, 2 steps an epoch, 150 epochs",
    ):
        assert promised in said
    assert not Path("demo/runs").exists()


@pytest.mark.parametrize(
    ("guide", "stage"), [("STAGE_A_TRAINING.md", "stage_a"), ("STAGE_B_TRAINING.md", "stage_b")]
)
def test_the_table_of_settings_has_the_presets_values(guide: str, stage: str):
    text = (DOCS / guide).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE)
    preset = read_preset("16gb").values(stage, "sd15")
    compared = {key: said.split(",")[0].strip() for key, said in rows if key in preset}
    assert len(compared) > 5
    assert compared == {key: _word(preset[key]) for key in compared}


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}".replace("e-0", "e-") if isinstance(value, float) and value < 1e-3 else str(value)
