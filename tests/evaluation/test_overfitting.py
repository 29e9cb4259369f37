"""A run that was made to overfit: three drawings, a high learning rate, a hundred passes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dataset_tools.files import write_text
from dataset_tools.progress import progress
from tests.forked_trainers import forking
from wrapper.demo.world import write_world
from wrapper.evaluation.choice import choose_checkpoints
from wrapper.evaluation.denoising import HOLDOUT, TRAIN
from wrapper.evaluation.evaluate import evaluate_project
from wrapper.evaluation.exam import run_exams
from wrapper.evaluation.plan import plan_evaluation
from wrapper.kohya.render import render_stage, write
from wrapper.launch.train import train
from wrapper.project.load import load_project
from wrapper.steps.dataset import build_dataset
from wrapper.steps.quality import inspect_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
STEPS, EVERY, TRAINED_ON, LOOKED_AT = 100, 20, 3, 6
OVERFIT = (
    "stage_a.enabled=false",
    "stage_b.kohya.learning_rate=4e-3",
    f"stage_b.kohya.max_train_steps={STEPS}",
    f"stage_b.kohya.save_every_n_steps={EVERY}",
    f"stage_b.kohya.train_batch_size={TRAINED_ON}",
    "stage_b.kohya.lr_scheduler=constant",
    "balance.by=[]",
    "inpaint.steps=4",
    "evaluate.max_checkpoints=0",
    "evaluate.loss_timesteps=8",
    "evaluate.seeds=[1]",
    f"evaluate.images={LOOKED_AT}",
    "evaluate.choose_by=loss",
)


@pytest.fixture(scope="module")
def overfit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("over") / "fit 'ухо'"
    write_world(folder)
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    fronts = [row for row in rows if row["split"] == "train" and "front" in row["image"]][:TRAINED_ON]
    held = [row for row in rows if row["split"] == "holdout"]
    write_text(folder / "manifest.jsonl", "".join(json.dumps(row) + "\n" for row in [*fronts, *held]))
    project = load_project(folder, OVERFIT)
    inspect_project(project)
    build_dataset(project)
    write(render_stage(project, "stage_b"), project.paths)
    with forking():
        train(project, "stage_b")
    result = evaluate_project(project)
    return project, result, choose_checkpoints(project, result)["stages"]["stage_b"]


def test_an_early_checkpoint_is_chosen_and_overfitting_is_told(overfit):
    _, result, choice = overfit
    losses = [one["loss"]["stage_b"] for one in result["checkpoints"]["stage_b"]]
    assert [one["step"] for one in result["checkpoints"]["stage_b"]] == list(range(EVERY, STEPS + 1, EVERY))
    assert losses[-1][TRAIN]["mean"] < losses[0][TRAIN]["mean"]
    assert losses[-1][HOLDOUT]["mean"] > min(loss[HOLDOUT]["mean"] for loss in losses)
    assert choice["chosen"]["file"] != choice["last"]["file"]
    assert choice["over_last"]["mean"] > 0
    assert choice["over_last"]["chance"] > 0.95
    assert "on held-out images since" in choice["overfitting"]


def test_it_is_the_right_one_on_images_and_noise_that_nobody_chose_by(overfit):
    """The chosen checkpoint beats the last on the other held-out images, with other noise."""
    project, _, choice = overfit
    everything = [one for one in OVERFIT if not one.startswith(("evaluate.images", "evaluate.seeds"))]
    plan = plan_evaluation(load_project(project.paths.root, [*everything, "evaluate.seeds=[99]"]))
    exam = plan.losses["stage_b"]
    fresh = replace(exam, pictures={HOLDOUT: exam.pictures[HOLDOUT][LOOKED_AT:], TRAIN: []})
    chosen = next(one for one in plan.subjects if choice["chosen"]["sha256"] == one.digest)
    last = plan.find("stage_b")
    with progress("fresh images", 1) as bar:
        run_exams(exam.info, "inpaint", [fresh], [chosen, last], bar)
    ours, theirs = (fresh.losses(subject)[HOLDOUT] for subject in (chosen, last))
    assert len(ours) == 12 - LOOKED_AT
    assert sum(ours.values()) < sum(theirs.values())
