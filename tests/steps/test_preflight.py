"""What the last step would refuse is told before the first one begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kohya.projects import make_project
from wrapper.cli.main import run
from wrapper.project.load import load_project
from wrapper.steps.preflight import check_requests


@pytest.mark.parametrize("command", [["run"], ["run", "--dry-run"]])
@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("generate.sampler=Eular a", "Did you mean 'Euler a'?"),
        ("inpaint.sampler=Heum", "Did you mean 'Heun'?"),
        ('generate.prompts=["portrait of a 14 year old"]', "under 18"),
        ('generate.prompts=["a woman <lora:x:1>"]', "<lora:x:1>"),
        ("generate.seeds=[]", "no seeds"),
        ("base.model=nowhere/sdxl.safetensors", "nowhere"),
        ("base.inpaint_model=nowhere", "nowhere"),
    ],
)
def test_a_bad_request_stops_the_job_before_its_first_step(
    tmp_path: Path, capsys, command: list[str], override: str, said: str
):
    root = make_project(tmp_path / "мой 'p'", '[generate]\nprompts = ["a woman"]\n').paths.root
    before = sorted(root.rglob("*"))
    assert run([*command, "--project", str(root), "--set", override]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "[1/" not in shown.out
    assert sorted(root.rglob("*")) == before


def test_a_place_for_the_loras_that_is_none_stops_the_job_before_its_first_step(tmp_path: Path, capsys):
    root = make_project(tmp_path / "мой 'p'", '[generate]\nprompts = ["a woman"]\n').paths.root
    (root / "loras").write_text("a file")
    assert run(["run", "--project", str(root)]) == 2
    shown = capsys.readouterr()
    assert "loras is a file, not a folder." in shown.err
    assert "[1/" not in shown.out


def test_a_project_without_prompts_needs_no_seeds(tmp_path: Path):
    root = make_project(tmp_path).paths.root
    check_requests(load_project(root, ["generate.seeds=[]"]))
