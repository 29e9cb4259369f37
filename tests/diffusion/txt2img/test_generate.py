"""txt2img on tiny random bases: seeds, batches, sizes, and prompts that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from wrapper.base_model.detect import detect
from wrapper.diffusion.inpainting.inpaint import repaint
from wrapper.diffusion.pictures.model_hash import base_hash
from wrapper.diffusion.pipelines import sampling as sampling_module
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import Sampling, batches, check_sampling, native_size, step_count
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.generate import generate

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = Sampling("Euler a", steps=2, cfg=3.0)


@pytest.fixture
def base(tiny_base):
    return detect(tiny_base("sd15"))


def pictures(base, prompts, sampling=QUICK, size=(None, None)):
    return [drawn.pixels for drawn in generate(base, prompts, sampling, size)]


def test_a_seed_means_the_same_alone_and_in_a_batch(base):
    together = pictures(base, [Prompt("a woman", seed=1), Prompt("a woman", seed=2)])
    alone = pictures(base, [Prompt("a woman", seed=2)])
    assert together[0].shape == (64, 64, 3)
    assert np.abs(together[1].astype(int) - alone[0]).max() <= 1
    assert np.abs(together[0].astype(int) - together[1]).max() > 20


def test_a_picture_has_the_wanted_size(base):
    (picture,) = pictures(base, [Prompt("a man")], Sampling("DPM++ 2M Karras", steps=3), (48, 32))
    assert picture.shape == (32, 48, 3)
    assert picture.std() > 1


def test_sdxl_draws_too(tiny_base):
    (picture,) = pictures(detect(tiny_base("sdxl")), [Prompt("a man", "a dog", 3)])
    assert picture.shape == (64, 64, 3)
    assert picture.std() > 1


def test_a_picture_knows_what_made_it(base):
    (drawn,) = generate(base, [Prompt("a woman", "waxy", 5)], QUICK)
    assert (drawn.info.prompt, drawn.info.negative) == ("a woman", "waxy")
    told = dict(drawn.info.fields)
    assert told.pop("Version").startswith("lorawrap ")
    assert told == {
        "Steps": "2",
        "Sampler": "Euler a",
        "CFG scale": "3",
        "Seed": "5",
        "Size": "64x64",
        "Schedule type": "Uniform",
        "Model": base.path.name,
        "Model hash": base_hash(base.path),
        "RNG": "CPU",
    }


def test_pictures_come_as_their_batch_is_done(base, monkeypatch):
    monkeypatch.setattr(sampling_module, "BATCH_PIXELS_CPU", 64 * 64)
    calls = []
    original = sampling_module.run_batch
    monkeypatch.setattr(
        "wrapper.diffusion.txt2img.generate.run_batch", lambda *a: calls.append(a[1]) or original(*a)
    )
    drawn = generate(base, [Prompt("a man", seed=1), Prompt("a man", seed=2)], QUICK)
    next(drawn)
    assert [prompt.seed for prompts in calls for prompt in prompts] == [1]


@pytest.mark.parametrize(
    ("prompts", "size", "said"),
    [
        ([Prompt("portrait of a 15 year old girl")], (None, None), "under 18"),
        ([Prompt("a woman"), Prompt("a child on a swing")], (None, None), "under 18"),
        ([Prompt("a woman")], (60, 64), "width of 60 px is not a multiple of 8"),
        ([Prompt("a woman")], (64, 4), "height of 4 px"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_loaded(tiny_base, prompts, size, said, monkeypatch):
    monkeypatch.setattr("wrapper.diffusion.txt2img.generate.open_pipeline", lambda *_: pytest.fail("loaded"))
    with pytest.raises(UserError, match=said):
        list(generate(detect(tiny_base("sd15")), prompts, QUICK, size))


def test_an_inpaint_base_draws_no_text_pictures(tiny_base):
    with pytest.raises(UserError, match="inpaint base"):
        list(generate(detect(tiny_base("sd15", inpaint=True)), [Prompt("a man")], QUICK))


@pytest.mark.parametrize(
    ("sampler", "steps", "strength", "calls"),
    [("Euler a", 10, 1.0, 10), ("Euler a", 10, 0.45, 4), ("Heun", 10, 1.0, 19), ("Heun", 10, 0.5, 9)],
)
def test_the_announced_steps_are_those_that_are_done(base, sampler, steps, strength, calls):
    pipeline = open_pipeline(base, "inpaint")
    wanted = Sampling(sampler, steps, 1.0, strength)
    done = []
    image = [np.zeros((64, 64, 3), np.uint8)]
    repaint(
        pipeline, image, [np.full((64, 64), 255, np.uint8)], [Prompt("x")], wanted, lambda: done.append(1)
    )
    assert (step_count(pipeline, wanted), len(done)) == (calls, calls)


def test_strength_that_leaves_no_step_is_refused():
    with pytest.raises(UserError, match=r"2 steps at strength 0\.4 are less than one step"):
        check_sampling(Sampling("Euler a", 2, 1.0, 0.4))


def test_batches_fit_the_memory():
    assert [len(part) for part in batches(range(50), (64, 64), "cpu")] == [48, 2]
    assert [len(part) for part in batches(range(2), (512, 512), "cpu")] == [1, 1]
    assert [len(part) for part in batches(range(5), (512, 512), "cuda")] == [4, 1]


def test_the_native_size_is_the_unets(base):
    assert native_size(open_pipeline(base, "txt2img")) == 64
