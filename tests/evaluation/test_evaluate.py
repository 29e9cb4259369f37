"""Scoring a whole project on tiny random bases with real LoRA files."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from dataset_tools.building.dataset import read_dataset, write_dataset
from dataset_tools.errors import UserError
from dataset_tools.files import write_text
from dataset_tools.pictures.images import read_mask, read_rgb
from tests.evaluation.projects import NAMES, make_project
from wrapper.diffusion.inpainting.inpaint import repaint
from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters
from wrapper.evaluation.evaluate import evaluate_project
from wrapper.evaluation.measures.fidelity import masked_psnr_db
from wrapper.evaluation.plan import MEMORY, plan_evaluation
from wrapper.project.load import load_project

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
VARIANTS = ["hole", "base", "stage_a", "stage_b"]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, tiny_base):
    folder = make_project(tmp_path_factory.mktemp("projects") / "my 'project' ухо", tiny_base)
    stale = folder / "images" / "inpaint" / "base" / "gone_seed9.png"
    stale.parent.mkdir(parents=True)
    stale.touch()
    return folder, evaluate_project(load_project(folder))


def test_the_file_holds_what_checks_rely_on(evaluated):
    folder, result = evaluated
    assert json.loads((folder / "evaluation.json").read_text(encoding="utf-8")) == result
    assert list(result["masked"]) == VARIANTS
    assert result["outside_mask_max_abs_diff"] == 0
    for variant, count in zip(VARIANTS, (2, 4, 4, 4), strict=True):
        for metric in ("psnr_db", "ssim"):
            figures = result["masked"][variant][metric]
            assert figures["n"] == count
            assert np.isfinite(figures["mean"])
            assert figures["sd"] >= 0


def test_every_variant_paints_something_else(evaluated):
    _, result = evaluated
    means = {variant: result["masked"][variant]["psnr_db"]["mean"] for variant in VARIANTS}
    assert len(set(means.values())) == len(VARIANTS)


def test_scores_are_those_of_the_saved_pictures(evaluated):
    folder, result = evaluated
    for row in result["per_image"]:
        truth = read_rgb(folder / "dataset" / "holdout" / "images" / f"{row['image']}.png")
        mask = read_mask(folder / "dataset" / "holdout" / "masks" / f"{row['image']}.png") > 0
        picture = read_rgb(folder / row["picture"])
        assert masked_psnr_db(picture, truth, mask) == pytest.approx(row["psnr_db"], abs=1e-4)
        assert np.array_equal(picture[~mask], truth[~mask])


def test_the_hole_is_mid_grey_inside_the_mask(evaluated):
    folder, result = evaluated
    row = next(row for row in result["per_image"] if row["variant"] == "hole")
    mask = read_mask(folder / "dataset" / "holdout" / "masks" / f"{row['image']}.png") > 0
    assert (read_rgb(folder / row["picture"])[mask] == 128).all()
    assert row["seed"] is None


def test_pictures_say_how_they_were_made(evaluated):
    folder, result = evaluated
    row = next(row for row in result["per_image"] if row["variant"] == "stage_b" and row["seed"] == 2)
    told = read_parameters(folder / row["picture"])
    assert told.prompt == "photo of a woman <lora:my face_stage_b:1>"
    assert told.fields["Seed"] == "2"
    assert read_digital_source(folder / row["picture"]) == "compositeWithTrainedAlgorithmicMedia"


def test_the_truth_never_shines_through(evaluated):
    assert evaluated[1]["settings"]["strength"] == 1.0


def test_rows_and_sheet_are_there_and_stale_pictures_are_gone(evaluated):
    folder, result = evaluated
    assert [entry["image"] for entry in result["pictures"]] == list(NAMES)
    for entry in result["pictures"]:
        assert {*VARIANTS, "original", "row"} < set(entry)
        assert all((folder / path).is_file() for key, path in entry.items() if key != "image")
    assert (folder / "images" / "inpaint_sheet.png").is_file()
    assert not (folder / "images" / "inpaint" / "base" / "gone_seed9.png").exists()


def test_a_second_evaluation_gives_the_same_numbers(evaluated):
    folder, result = evaluated
    assert evaluate_project(load_project(folder))["masked"] == result["masked"]


def test_what_was_cut_off_is_painted_in_the_batches_of_an_undisturbed_run(evaluated, tmp_path, monkeypatch):
    """Rounding goes by what is painted together: one alone may differ by a grey level."""
    folder = shutil.copytree(evaluated[0], tmp_path / "again")
    project, painted = load_project(folder), []
    memory = project.paths.cache / MEMORY
    write_text(memory, "".join(memory.read_text(encoding="utf-8").splitlines(keepends=True)[1:]))

    def repaint_told(pipeline, images, *rest):
        painted.append(len(images))
        return repaint(pipeline, images, *rest)

    monkeypatch.setattr("wrapper.evaluation.repainting.repaint", repaint_told)
    assert plan_evaluation(project).missing > 0
    assert evaluate_project(project)["masked"] == evaluated[1]["masked"]
    assert painted == [4]
    assert same_pictures(folder, evaluated[0])


def same_pictures(one, other):
    names = sorted(path.relative_to(one) for path in (one / "images").rglob("*.png"))
    return bool(names) and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_a_stage_that_was_not_trained_is_left_out(tmp_path, tiny_base):
    folder = make_project(tmp_path / "p", tiny_base)
    (folder / "loras" / "my face_stage_b.safetensors").unlink()
    result = evaluate_project(load_project(folder, ["evaluate.seeds=[1]", "evaluate.images=1"]))
    assert list(result["masked"]) == VARIANTS[:-1]
    assert result["verdict"]["candidate"] == "stage_a"
    assert result["masked"]["base"]["psnr_db"]["n"] == 1


def _without_loras(folder):
    for path in (folder / "loras").iterdir():
        path.unlink()


def _without_masks(folder):
    built = read_dataset(folder / "dataset")
    bare = [held.model_copy(update={"mask": None}) for held in built.holdout]
    write_dataset(folder / "dataset", built.model_copy(update={"holdout": bare}))


def _without_dataset(folder):
    (folder / "dataset" / "dataset.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "overrides", "said"),
    [
        (_without_loras, [], r"no my face_stage_a\.safetensors or my face_stage_b\.safetensors"),
        (_without_masks, [], "no held-out image with a mask"),
        (_without_dataset, [], "no dataset"),
        (lambda _: None, ["evaluate.seeds=[]"], "no seeds"),
        (lambda _: None, ["inpaint.sampler=Eular"], "no sampler 'Eular'"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_written(tmp_path, tiny_base, spoil, overrides, said):
    folder = make_project(tmp_path / "p", tiny_base)
    spoil(folder)
    with pytest.raises(UserError, match=said):
        evaluate_project(load_project(folder, overrides))
    assert not (folder / "evaluation.json").exists()
    assert not (folder / "images").exists()
