"""Inpainting on tiny random bases: what changes, what never does."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from wrapper.base_model.detect import detect
from wrapper.diffusion.inpainting.feather import feather
from wrapper.diffusion.inpainting.inpaint import InpaintSettings, inpaint
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.diffusion.prompts.prompt import Prompt

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = InpaintSettings(Sampling("Euler a", steps=2, cfg=3.0), mask_blur_px=5)
HEIGHT, WIDTH = 150, 201


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[60:90, 0:25] = 255
    return mask


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("inpaint_base", [True, False], ids=["nine channels", "four channels"])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_pixels_beyond_the_feather_are_bit_identical(tiny_base, image, mask, kind, inpaint_base, strength):
    base = detect(tiny_base(kind, inpaint=inpaint_base))
    settings = InpaintSettings(Sampling("Euler a", 2, 3.0, strength), mask_blur_px=5)
    result = inpaint(base, image, mask, Prompt("an ear", seed=1), settings)
    outside = feather(mask, 5) == 0
    assert result.shape == image.shape
    assert np.array_equal(result[outside], image[outside])
    assert (result[mask > 0] != image[mask > 0]).mean() > 0.9


def test_a_seed_repeats_a_repair_and_another_seed_gives_another(tiny_base, image, mask):
    base = detect(tiny_base("sd15", inpaint=True))
    first, again, other = (inpaint(base, image, mask, Prompt("ear", seed=s), QUICK) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_users_arrays_are_left_alone(tiny_base, image, mask):
    before = image.copy(), mask.copy()
    inpaint(detect(tiny_base("sd15", inpaint=True)), image, mask, Prompt("ear"), QUICK)
    assert np.array_equal(image, before[0])
    assert np.array_equal(mask, before[1])


@pytest.mark.parametrize(
    ("change", "settings", "prompt", "said"),
    [
        (lambda m: m[:, :100], QUICK, "ear", "mask is 100×150 pixels, the upright image 201×150"),
        (lambda m: m * 0, QUICK, "ear", "empty"),
        (lambda m: m * 0 + 255, QUICK, "a 9 year old child", "under 18"),
        (lambda m: m, InpaintSettings(work_size=100), "ear", "work size of 100 px"),
    ],
    ids=["size", "empty", "all of it is txt2img", "work size"],
)
def test_wrong_input_is_refused_before_anything_is_loaded(
    tiny_base, image, mask, change, settings, prompt, said, monkeypatch
):
    monkeypatch.setattr(
        "wrapper.diffusion.inpainting.inpaint.open_pipeline", lambda *_: pytest.fail("loaded")
    )
    with pytest.raises(UserError, match=said):
        inpaint(detect(tiny_base("sd15", inpaint=True)), image, change(mask), Prompt(prompt), settings)
