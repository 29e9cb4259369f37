"""``lorawrap train`` launches the real scripts: what was asked for is trained, verified and published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kohya.projects import NAME
from tests.sd_scripts.projects import lorawrap, make_project, train
from wrapper.lora.file import read_lora
from wrapper.lora.verify import verify_lora

RUNS = {
    "sd15": ("sd15", {"cache_latents": False}),
    "sd15 cached": ("sd15", {"cache_latents": True}),
    "sd15 cached to disk": ("sd15", {"cache_latents": True, "cache_latents_to_disk": True}),
    "sdxl": ("sdxl", {"cache_latents": False, "gradient_checkpointing": True}),
    "sdxl cached": (
        "sdxl",
        {"cache_latents": True, "network_train_unet_only": True, "cache_text_encoder_outputs": True},
    ),
}


@pytest.mark.parametrize("case", RUNS)
def test_stage_a_trains_what_was_planned(
    scripts, single_base, through_wrapper, tmp_path: Path, case: str
) -> None:
    kind, kohya = RUNS[case]
    base = single_base(kind)
    through_wrapper(scripts, base)
    project = make_project(tmp_path / "проект 'q' 🙂", base, **kohya)
    done = train(project, "stage_a")
    assert done.returncode == 0, done.stdout
    made = project.paths.lora("stage_a", NAME)
    assert verify_lora(made, kind) == []
    assert read_lora(made).metadata["ss_steps"] == "4"
    run = project.paths.run("stage_a")
    told = json.loads(run.record.read_text(encoding="utf-8"))
    assert (told["status"], told["engine"], told["steps"]) == ("succeeded", "sd-scripts", 4)
    events = [json.loads(line) for line in run.events.read_text(encoding="utf-8").splitlines()]
    assert list(dict.fromkeys(event["step"] for event in events)) == [0, 1, 2, 3, 4]
    assert events[-1]["loss"] > 0


def test_a_dry_run_names_the_script_and_starts_nothing(
    newest_scripts, single_base, through_wrapper, tmp_path: Path
) -> None:
    base = single_base("sd15")
    through_wrapper(newest_scripts, base)
    project = make_project(tmp_path / "проект 'q' 🙂", base)
    done = train(project, "stage_a", "--dry-run")
    assert done.returncode == 0, done.stdout
    assert str(newest_scripts.checkout / "train_network.py") in done.stdout
    assert not project.paths.lora("stage_a", NAME).exists()


def test_check_agrees_with_the_run_that_works(
    newest_scripts, single_base, through_wrapper, tmp_path: Path
) -> None:
    base = single_base("sd15")
    through_wrapper(newest_scripts, base)
    project = make_project(tmp_path / "проект 'q' 🙂", base)
    rendered = lorawrap("render", "--project", str(project.paths.root))
    assert rendered.returncode == 0, rendered.stdout
    files = (str(project.paths.train_toml("stage_a")), str(project.paths.dataset_toml("stage_a")))
    checked = lorawrap("check", files[0], "--dataset-config", files[1])
    assert checked.returncode == 0, checked.stdout
