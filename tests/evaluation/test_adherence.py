"""The CLIP score of a small random CLIP, against its own parts put together by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from dataset_tools.errors import UserError
from tests.evaluation.small_clip import IMAGE_SIDE, write_small_clip
from wrapper.evaluation.measures.adherence import DEVIATION, MEAN, load_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_clip(tmp_path_factory.mktemp("my 'clip'") / "клип")


@pytest.fixture(scope="module")
def clip(folder):
    return load_clip(folder)


def picture(height=48, width=80):
    return np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_the_score_is_a_hundred_times_the_cosine_and_never_negative(clip):
    scores = [
        clip.score(picture(side, 64), text) for side in (33, 48, 96) for text in ("a woman", "an ear", "x")
    ]
    for side, text, score in zip(
        [33] * 3 + [48] * 3 + [96] * 3, ("a woman", "an ear", "x") * 3, scores, strict=True
    ):
        ids = clip.tokenizer([text], return_tensors="pt").input_ids
        out = clip.model(input_ids=ids, pixel_values=clip.pixels(picture(side, 64)))
        cosine = float((out.image_embeds * out.text_embeds).sum().detach())
        assert score == pytest.approx(max(0.0, 100 * cosine), abs=1e-3)
    assert len({round(score, 3) for score in scores}) > 3


def test_pixels_are_the_middle_square_normalised(clip):
    found = clip.pixels(picture(32, 96))
    middle = picture(32, 96)[:, 32:64] / 255
    expected = (middle - np.array(MEAN)) / np.array(DEVIATION)
    assert found.shape == (1, 3, IMAGE_SIDE, IMAGE_SIDE)
    assert np.allclose(found[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_a_large_picture_is_shrunk_bicubically(clip):
    shown = Image.fromarray(picture(64, 64)).resize((IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.BICUBIC)
    expected = (np.asarray(shown) / 255 - np.array(MEAN)) / np.array(DEVIATION)
    assert np.allclose(clip.pixels(picture(64, 64))[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_the_folders_own_normalisation_counts(folder, tmp_path):
    other = write_small_clip(tmp_path / "other")
    (other / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0, 0, 0], "image_std": [1, 1, 1]}), encoding="utf-8"
    )
    found = load_clip(other).pixels(np.full((40, 40, 3), 255, np.uint8))
    assert torch.allclose(found, torch.ones_like(found))


def test_a_prompt_past_the_models_length_is_cut(clip):
    assert clip.score(picture(), "very " * 200) >= 0


def test_what_is_no_clip_is_refused(tmp_path, folder):
    with pytest.raises(UserError, match="not a folder of a CLIP"):
        load_clip(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "clip"}', encoding="utf-8")
    with pytest.raises(UserError, match="cannot be read"):
        load_clip(tmp_path)
