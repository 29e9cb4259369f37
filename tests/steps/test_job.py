"""What a step of the main job is looked for by: a deleted picture is noticed, not only a deleted list."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.files import write_json
from tests.kohya.projects import make_project
from wrapper.steps.job import job


def test_a_deleted_picture_makes_the_txt2img_step_stale(tmp_path: Path):
    project = make_project(tmp_path / "мой 'p'", '[generate]\nprompts = ["a woman"]\n')
    images = project.paths.images
    write_json(images / "txt2img.json", [{"base": "txt2img/1_base.png", "lora": "txt2img/1_lora.png"}])
    step = next(step for step in job(project).steps if step.name == "generate")
    names = [path.relative_to(images).as_posix() for path in step.outputs()]
    assert names == ["txt2img.json", "txt2img/1_base.png", "txt2img/1_lora.png"]


def test_a_deleted_choice_makes_the_evaluation_stale(tmp_path: Path, monkeypatch):
    project = make_project(tmp_path / "мой 'p'", "")
    monkeypatch.setattr("wrapper.steps.job.can_be_scored", lambda _: True)
    step = next(step for step in job(project).steps if step.name == "evaluate")
    for checkpoints, names in (([{}], ["evaluation.json"]), ([{}, {}], ["evaluation.json", "choice.json"])):
        write_json(project.paths.evaluation, {"checkpoints": {"stage_b": checkpoints}})
        assert [path.name for path in step.outputs()] == names
