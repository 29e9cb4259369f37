"""A face run without masks: the project's prompts are drawn and judged by the user's own networks."""

from __future__ import annotations

import pytest

from dataset_tools.building.dataset import Subset, read_dataset, write_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import write_json, write_text
from dataset_tools.pictures.images import read_rgb
from tests.diffusion.small_lora import write_small_lora
from tests.evaluation.onnx_file import write_mean_colour
from tests.evaluation.projects import make_project
from tests.evaluation.small_clip import write_small_clip
from wrapper.diffusion.pictures.picture import read_digital_source
from wrapper.evaluation.choice import choose_checkpoints
from wrapper.evaluation.evaluate import evaluate_project
from wrapper.evaluation.measures.adherence import load_clip
from wrapper.evaluation.measures.identity import FaceModel, mean_direction, similarity
from wrapper.evaluation.plan import plan_evaluation
from wrapper.evaluation.scenes import face_box
from wrapper.project.load import load_project
from wrapper.report.report import page

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SMALL = ("generate.width=64", "generate.height=64")


def make_face_run(folder, tiny_base):
    """Stage A with two checkpoints, training photographs, and held-out ones without masks."""
    make_project(folder, tiny_base)
    (folder / "loras" / "my face_stage_b.safetensors").unlink()
    built = read_dataset(folder / "dataset")
    place = "stage_a/train/all/1_x person"
    for number, held in enumerate(built.holdout):
        path = folder / "dataset" / place / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((folder / "dataset" / held.image).read_bytes())
        write_text(path.with_suffix(".txt"), held.caption)
    subset = Subset(image_dir=place, num_repeats=1, class_tokens="x person", images=2, bucket="all")
    bare = [held.model_copy(update={"mask": None}) for held in built.holdout]
    write_dataset(
        folder / "dataset", built.model_copy(update={"holdout": bare, "stages": {"stage_a": [subset]}})
    )
    run = folder / "runs" / "stage_a-001"
    write_small_lora(run / "output" / "my face_stage_a-000001.safetensors", seed=5, strength=2)
    write_json(run / "run.json", {"stage": "stage_a", "status": "succeeded"})
    write_text(run / "train.toml", "[training]\nmin_snr_gamma = 5\n")
    write_mean_colour(folder / "лицо.onnx")
    write_small_clip(folder / "clip")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_base):
    return make_face_run(tmp_path_factory.mktemp("faces") / "my 'face'", tiny_base)


@pytest.fixture(scope="module")
def evaluated(folder):
    judges = ("evaluate.face_model=лицо.onnx", "evaluate.clip_model=clip", "evaluate.seeds=[5, 6]")
    project = load_project(folder, (*SMALL, *judges))
    return project, evaluate_project(project)


def test_every_prompt_and_seed_is_judged_by_both(evaluated):
    project, result = evaluated
    person = mean_direction(
        [
            FaceModel(project.paths.root / "лицо.onnx").embed(read_rgb(path))
            for path in sorted((project.paths.dataset / "stage_a").rglob("*.png"))
        ]
    )
    model, clip = FaceModel(project.paths.root / "лицо.onnx"), load_clip(project.paths.root / "clip")
    prompts = project.settings.generate.prompts
    for one in result["checkpoints"]["stage_a"]:
        assert [row["image"] for row in one["per_image"]] == [
            "01, seed 5",
            "02, seed 5",
            "01, seed 6",
            "02, seed 6",
        ]
        for row in [row for row in one["per_image"] if row["picture"]]:
            picture = read_rgb(project.paths.root / row["picture"])
            prompt = prompts[int(row["image"][:2]) - 1]
            assert row["identity"] == pytest.approx(similarity(model.embed(picture), person), abs=1e-4)
            assert row["prompt"] == pytest.approx(clip.score(picture, prompt), abs=1e-3)


def test_pictures_say_that_they_are_generated(evaluated):
    project, result = evaluated
    picture = result["checkpoints"]["stage_a"][-1]["per_image"][0]["picture"]
    assert read_digital_source(project.paths.root / picture) == "trainedAlgorithmicMedia"


def test_the_verdict_is_by_identity_and_the_choice_too(evaluated):
    project, result = evaluated
    assert result["masked"] == {}
    assert (result["verdict"]["metric"], result["verdict"]["candidate"]) == ("identity", "stage_a")
    assert result["verdict"]["difference"]["n"] == 4
    choice = choose_checkpoints(project, result)["stages"]["stage_a"]
    assert (choice["metric"], choice["units"]) == ("identity", 4)


def test_the_loss_is_measured_on_held_out_images_without_masks(evaluated):
    _, result = evaluated
    for one in result["checkpoints"]["stage_a"]:
        assert {part: figures["n"] for part, figures in one["loss"]["stage_a"].items()} == {
            "holdout": 2,
            "train": 2,
        }


def test_nothing_is_drawn_twice(evaluated):
    assert plan_evaluation(evaluated[0]).missing == 0


def test_the_report_shows_it(evaluated):
    project, _ = evaluated
    shown = page(project)
    assert "identity" in shown["verdict"].text
    assert shown["scores"].missing
    assert shown["checkpoints"].stages[0].heads[:2] == [
        "identity, cosine\N{NO-BREAK SPACE}↑",
        "prompt (CLIP score)\N{NO-BREAK SPACE}↑",
    ]


def test_without_judges_the_verdict_is_by_the_held_out_loss(folder):
    result = evaluate_project(load_project(folder, (*SMALL, "evaluate.seeds=[5]")))
    assert (result["verdict"]["metric"], result["verdict"]["difference"]["n"]) == ("loss", 2)
    assert result["checkpoints"]["stage_a"][0]["scenes"] == {}


def test_files_that_are_not_there_and_a_wrong_box_are_named_together(folder):
    asked = (
        "evaluate.face_model=gone.onnx",
        "evaluate.clip_model=none",
        "evaluate.face_box=[0.5, 0.5, 0.4, 0.9]",
    )
    with pytest.raises(UserError) as refused:
        plan_evaluation(load_project(folder, asked))
    assert [word for word in ("gone.onnx", "none", "face_box") if word not in refused.value.message] == []


def test_the_box_is_in_shares_of_the_picture():
    assert face_box([0.25, 0.1, 0.75, 0.6], 200, 100) == (50, 10, 150, 60)
    assert face_box([], 200, 100) is None
