"""Resumed runs of the real scripts end at the total that was asked for, wherever an epoch ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.kohya.projects import NAME
from tests.sd_scripts.projects import lorawrap, make_project, train
from wrapper.lora.file import read_lora
from wrapper.runs.events import read_events

STEPS = {"within a last epoch that is cut short": 18, "whole epochs": 32}
"""An epoch has 16 steps: 4 images twice, as many regularisation images."""


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_the_total_is_met_and_said(scripts, single_base, through_wrapper, tmp_path: Path, steps: int) -> None:
    """The last state is lost, so that the run goes on from the first epoch's, which is counted from 0."""
    base = single_base("sd15")
    through_wrapper(scripts, base)
    saves = {"max_train_steps": steps, "save_every_n_epochs": 1, "save_state": True}
    project = make_project(tmp_path / "проект 'q' 🙂", base, **saves)
    done = train(project, "stage_a")
    assert done.returncode == 0, done.stdout
    run = project.paths.run("stage_a")
    shutil.rmtree(run.output / f"{NAME}_stage_a-state")

    where = ("--project", str(project.paths.root), "--device", "cpu")
    done = lorawrap("runs", "resume", run.id, *where)
    assert done.returncode == 0, done.stdout
    assert "goes on after step 16" in done.stdout
    told = json.loads(run.record.read_text(encoding="utf-8"))
    assert (told["status"], told["steps"], told["proved_by"]) == ("succeeded", steps, "the file's metadata")
    assert [event["step"] for event in read_events(run.events)] == [*range(steps + 1)]
    own = read_lora(run.output / "from-000016" / f"{NAME}_stage_a.safetensors")
    published = read_lora(project.paths.lora("stage_a", NAME))
    assert own.metadata["ss_steps"] == str(steps - 16)
    assert published.metadata["ss_steps"] == published.metadata["ss_max_train_steps"] == str(steps)
