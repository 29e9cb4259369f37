"""The guide on prompts: every command runs, in order, in a few steps; what its tables name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.console import DOCS, commands
from wrapper.cli.main import run
from wrapper.diffusion.pipelines.schedulers import SAMPLERS, sampler_name
from wrapper.diffusion.prompts.presets import list_presets

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
GUIDE = "PROMPTS.md"
FEW = ["--steps", "2"]
"""Given last, it comes before what the guide says."""


@pytest.fixture
def text():
    return (DOCS / GUIDE).read_text(encoding="utf-8")


def test_every_command_of_the_guide_runs(text: str, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, body in re.findall(r"^```text\n# (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        Path(name).write_text(body.replace("--s 20", "--s 2"), encoding="utf-8")
    found = commands(GUIDE)
    assert {argv[0] for argv in found} == {"generate", "inpaint", "compare"}
    for argv in found:
        assert run([*argv, *FEW]) == 0, (argv, capsys.readouterr().err)


def test_the_project_file_of_the_guide_is_one(text: str, tmp_path: Path):
    (entry,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "prompts.toml").write_text(entry, encoding="utf-8")
    assert "mine/three_quarter" in list_presets(tmp_path)


def test_every_preset_is_in_the_guide(text: str):
    named = set(re.findall(r"`((?:portrait|ear|repair|missing)/\w+)`", text))
    assert named == set(list_presets())


def test_every_sampler_is_in_the_guide(text: str):
    rows = dict(re.findall(r"^\| (Euler a, .*|DDIM, .*) \| (.*) \|$", text, re.MULTILINE))
    (scheduled, schedules), (others, _) = rows.items()
    names = {
        sampler_name(name, schedule.removeprefix("none (").removesuffix(")"))
        for name in scheduled.split(", ")
        for schedule in schedules.split(", ")
    }
    assert names | set(others.split(", ")) == set(SAMPLERS)
