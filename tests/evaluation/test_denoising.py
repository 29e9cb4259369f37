"""The denoising loss: fixed noise and timesteps, the loss as the run's training file says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dataset_tools.progress import progress
from tests.evaluation.runs import make_run
from wrapper.base_model.detect import resolve
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.evaluation.denoising import HOLDOUT, TRAIN, Denoising, LossSettings, spread_timesteps
from wrapper.evaluation.exam import run_exams
from wrapper.evaluation.plan import plan_evaluation
from wrapper.evaluation.remembered import Remembered
from wrapper.evaluation.samples import SamplePicture, training_samples
from wrapper.evaluation.subjects import Subject
from wrapper.evaluation.trained_loss import loss_settings
from wrapper.project.load import load_project
from wrapper.trainer import step

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
PLAIN = LossSettings(False, False, 0.0, None, 0, None, 4, 1)


@pytest.fixture(scope="module")
def planned(tmp_path_factory, tiny_base):
    return plan_evaluation(load_project(make_run(tmp_path_factory.mktemp("l") / "p", tiny_base, images=2)))


@pytest.fixture
def exam(planned, tmp_path):
    """Stage B's, that remembers nothing."""
    return replace(planned.losses["stage_b"], known=Remembered(tmp_path / "known.jsonl"), rows={})


def losses(planned, exam, name="stage_b"):
    subject = planned.find(name)
    with progress("losses", 1) as bar:
        run_exams(exam.info, "inpaint", [exam], [subject], bar)
    return exam.losses(subject)


def test_timesteps_are_the_middles_of_equal_parts():
    assert spread_timesteps(PLAIN, 1000).tolist() == [125, 375, 625, 875]
    assert spread_timesteps(replace(PLAIN, min_timestep=200, max_timestep=600), 1000).tolist() == [
        250,
        350,
        450,
        550,
    ]


def test_the_training_file_of_the_run_says_how_the_loss_is_computed(planned):
    found = loss_settings(planned.project.paths, "stage_b", 8, 1)
    assert (found.masked_loss, found.masked_loss_normalize, found.min_snr_gamma) == (True, True, 5.0)
    assert loss_settings(planned.project.paths, "stage_a", 8, 1) is None


def test_a_perfect_prediction_has_no_loss(planned, exam, monkeypatch):
    monkeypatch.setattr(step, "predict", lambda _model, noising, _row, _text: noising.noise)
    found = losses(planned, exam)
    assert set(found[HOLDOUT].values()) == set(found[TRAIN].values()) == {0.0}


def test_predicting_nothing_costs_the_noises_own_variance_within_the_mask(planned, exam, monkeypatch):
    monkeypatch.setattr(step, "predict", lambda _model, noising, _row, _text: 0 * noising.noise)
    plain = losses(planned, replace(exam, settings=replace(exam.settings, min_snr_gamma=0.0)))
    assert np.mean(list(plain[HOLDOUT].values())) == pytest.approx(1, abs=0.35)
    spread = losses(
        planned, replace(exam, settings=replace(exam.settings, min_snr_gamma=0, masked_loss_normalize=False))
    )
    assert max(spread[HOLDOUT].values()) < 0.3 * min(plain[HOLDOUT].values())


def test_an_inpainting_base_sees_the_mask_and_the_picture_without_its_hole(planned, exam, monkeypatch):
    rows = []
    monkeypatch.setattr(
        step, "predict", lambda _model, noising, row, _text: rows.append(row) or noising.noise
    )
    losses(planned, exam)
    masks = [picture.mask for some in exam.pictures.values() for picture in some]
    for row, mask in zip(rows, masks, strict=True):
        assert row["masked"].shape == (8, 5, 8, 8)
        assert torch.equal(row["mask"][0, 0] >= 0.5, torch.from_numpy(mask))


def test_losses_are_the_same_every_time_and_others_for_another_lora(planned, exam, tmp_path):
    again = replace(exam, known=Remembered(tmp_path / "other.jsonl"), rows={})
    assert losses(planned, exam) == losses(planned, again)
    assert losses(planned, exam) != losses(planned, again, "base")


def test_the_noise_hangs_on_the_picture_and_not_on_its_name():
    picture = SamplePicture("a", np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), bool), "x")
    assert picture.seed(1) == replace(picture, name="b").seed(1) != picture.seed(2)
    assert picture.seed(1) != replace(picture, caption="y").seed(1)


def test_training_images_are_spread_over_the_folders_with_their_own_captions_and_masks(planned):
    folder = planned.project.paths.dataset
    both = training_samples(planned.built, folder, "stage_b", 5)
    assert [picture.name for picture in both] == ["0", "1"]
    assert both[0].caption == "photo of a woman"
    assert 0 < both[0].mask.mean() < 0.5
    assert [picture.name for picture in training_samples(planned.built, folder, "stage_b", 1)] == ["1"]
    assert training_samples(planned.built, folder, "stage_a", 5) == []


@pytest.mark.parametrize("inpaint", [False, True], ids=["sdxl", "sdxl inpaint"])
def test_sdxl_is_given_its_sizes_and_both_texts(tiny_base, tmp_path, inpaint):
    random = np.random.default_rng(0)
    mask = np.zeros((64, 128), bool)
    mask[10:50, 30:90] = True
    picture = SamplePicture(
        "широкая", random.integers(0, 256, (64, 128, 3)).astype(np.uint8), mask, "a woman"
    )
    info = resolve(str(tiny_base("sdxl", inpaint=inpaint)), inpaint, tmp_path)
    known = Remembered(tmp_path / "known.jsonl")
    exam = Denoising(info, "stage_a", {HOLDOUT: [picture], TRAIN: [picture]}, PLAIN, known, [])
    base = Subject("base", "", "", None, (1,), (1,))
    pipeline = open_pipeline(info, "inpaint" if inpaint else "txt2img")
    with progress("losses", 1) as bar:
        exam.examine(pipeline, base, bar)
    found = exam.losses(base)
    assert found[HOLDOUT] == found[TRAIN]
    assert 0.1 < found[HOLDOUT]["широкая"] < 10
    assert exam.missing(base) == 0
