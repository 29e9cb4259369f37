"""``lorawrap runs``: the list, one run, going on with one, two side by side."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from tests.cli.test_train import argv, root
from tests.kohya.projects import NAME
from wrapper.cli.main import run
from wrapper.project.layout import ProjectPaths, RunPaths

__all__ = ["root"]


@pytest.fixture
def trained(root, monkeypatch, capsys):
    """Two runs of Stage A with another rank each, and one that failed."""
    assert run(argv(root)) == 0
    assert run(argv(root, "--set", "stage_a.kohya.network_dim=4")) == 0
    monkeypatch.setenv("FAKE_TRAINER", "out of memory")
    assert run(argv(root)) == 1
    capsys.readouterr()
    return root


def test_the_list_names_every_run(trained, capsys):
    assert run(["runs", "list", "--project", str(trained)]) == 0
    heading, *lines, step = capsys.readouterr().out.splitlines()
    assert heading.split() == ["id", "engine", "status", "steps", "loss", "time", "LoRA"]
    assert [line.split()[:4] for line in lines] == [
        ["stage_a-001", "sd-scripts", "succeeded", "6/6"],
        ["stage_a-002", "sd-scripts", "succeeded", "6/6"],
        ["stage_a-003", "sd-scripts", "failed", "0/6"],
    ]
    assert f"{NAME}_stage_a.safetensors" in lines[0]
    assert "lorawrap runs show stage_a-003" in step
    assert run(["runs", "list", "--project", str(trained), "--json", "--stage", "stage_b"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_no_runs_are_no_error(root, capsys):
    assert run(["runs", "list", "--project", str(root)]) == 0
    assert "next: lorawrap train all" in capsys.readouterr().out


def test_one_run_is_told_with_each_setting_and_its_origin(trained, capsys):
    assert run(["runs", "show", "stage_a-002", "--project", str(trained)]) == 0
    told = capsys.readouterr().out
    for part in (
        "status: succeeded",
        "trainer: sd-scripts, train_network",
        "steps: 6/6",
        "0.1430 at the end",
    ):
        assert part in told
    rows = {line.split()[0]: line.split() for line in told.splitlines() if line and line[0] != " "}
    assert rows["network_dim"] == ["network_dim", "4", "--set"]
    assert rows["max_train_steps"] == ["max_train_steps", "6", "lorawrap.toml"]
    assert "next: lorawrap generate" in told


def test_a_stage_means_its_newest_run_and_a_failure_says_why(trained, capsys):
    assert run(["runs", "show", "stage_a", "--project", str(trained)]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0] == "stage_a-003"
    assert "why: The GPU ran out of memory." in told
    assert "next: lorawrap train stage_a" in told
    assert run(["runs", "show", "stage_a-003", "--project", str(trained), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "failed"


def test_an_unknown_run_is_two_with_the_nearest_name(trained, capsys):
    assert run(["runs", "show", "stage_a-01", "--project", str(trained)]) == 2
    assert "there is no run 'stage_a-01'" in capsys.readouterr().err


def test_a_finished_run_has_nothing_to_resume(trained, capsys):
    assert run(["runs", "resume", "stage_a-001", "--project", str(trained), "--device", "cpu"]) == 2
    assert "no whole saved state to resume from" in capsys.readouterr().err


def test_two_runs_side_by_side(trained, capsys):
    assert run(["runs", "compare", "stage_a-001", "stage_a-002", "--project", str(trained)]) == 0
    told = capsys.readouterr().out
    rows = [line.split() for line in told.splitlines()]
    assert ["network_dim", "2", "4"] in rows
    assert not any(row and row[0] == "output_dir" for row in rows)
    assert ["6", "0.1430", "0.1430"] in rows
    assert "Too few steps in common" in told
    picture = (trained / "runs" / "stage_a-001_stage_a-002.svg").read_text(encoding="utf-8")
    assert picture.count("<polyline") == 4


def losses(run: RunPaths, level: float, seed: int, steps: int = 400) -> None:
    """A run whose loss falls to ``level`` with noise of 0.01, as running means move."""
    noise, mean, lines = random.Random(seed), 0.0, []
    for step in range(1, steps + 1):
        mean = 0.9 * mean + noise.gauss(0, 0.004)
        loss = level + 0.1 * math.exp(-step / 40) + mean
        lines.append(json.dumps({"step": step, "steps": steps, "loss": loss, "elapsed_s": step}))
    run.folder.mkdir(parents=True, exist_ok=True)
    run.events.write_text("\n".join(lines))
    for path in (run.train_toml, run.dataset_toml):
        path.write_text("")


@pytest.mark.parametrize(
    ("other", "said"),
    [(0.05, "stage_a-002's loss is 0.05"), (0.1, "No clear difference")],
    ids=["lower", "noise"],
)
def test_a_difference_is_told_from_noise(root: Path, other, said, capsys):
    paths = ProjectPaths(root)
    losses(RunPaths(paths.runs / "stage_a-001"), 0.1, seed=1)
    losses(RunPaths(paths.runs / "stage_a-002"), other, seed=2)
    assert run(["runs", "compare", "stage_a-001", "stage_a-002", "--project", str(root)]) == 0
    assert said in capsys.readouterr().out


def test_runs_of_before_are_listed_first_and_not_gone_on_with(root: Path, capsys):
    for name in ("stage_a", "stage_a.1", "stage_a-001"):
        (root / "runs" / name).mkdir(parents=True)
        (root / "runs" / name / "run.json").write_text('{"status": "succeeded", "stage": "stage_a"}')
    assert run(["runs", "list", "--project", str(root)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:4]] == [
        *("stage_a.1", "stage_a", "stage_a-001"),
    ]
    assert run(["runs", "resume", "stage_a.1", "--project", str(root), "--device", "cpu"]) == 2
    assert "has no files of its own to go on from" in capsys.readouterr().err
