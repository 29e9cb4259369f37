"""The hires pass: sizes, steps, seeds, A1111's fields, with controls and adapters."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_tools.errors import UserError
from tests.models import KINDS
from wrapper.base_model.detect import detect
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import Sampling, run_latents
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.generate import draw
from wrapper.diffusion.txt2img.hires import (
    IMAGE,
    LATENT,
    Hires,
    check_hires,
    hires_steps,
    run_hires,
    second_sampling,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = Sampling("Euler a", steps=2, cfg=3.0)
PROMPTS = [Prompt("a man", seed=1), Prompt("a dog", "blur", seed=2)]


@pytest.fixture(scope="module")
def pipeline(tiny_base):
    return open_pipeline(detect(tiny_base("sd15")), "txt2img")


def hires_pictures(pipeline, hires, prompts=PROMPTS, size=(64, 48)):
    return np.stack(run_hires(pipeline, prompts, QUICK, hires, size)).astype(int)


@pytest.mark.parametrize("upscaler", [*LATENT, *IMAGE])
def test_every_upscaler_makes_the_larger_picture(pipeline, upscaler):
    made = hires_pictures(pipeline, Hires(1.5, upscaler, 2, 0.5), PROMPTS[:1])
    assert made.shape == (1, 72, 96, 3)
    assert made.std() > 1


@pytest.mark.parametrize("upscaler", ["Latent", "Lanczos"])
def test_a_seed_means_the_same_alone_and_in_a_batch(pipeline, upscaler):
    hires = Hires(1.5, upscaler, 2, 0.7)
    together, again = hires_pictures(pipeline, hires), hires_pictures(pipeline, hires)
    alone = hires_pictures(pipeline, hires, PROMPTS[1:])
    assert np.array_equal(together, again)
    assert np.abs(together[1] - alone[0]).max() <= 1
    assert np.abs(together[0] - together[1]).max() > 20


def test_little_strength_keeps_the_first_picture_and_much_does_not(pipeline):
    from PIL import Image

    (first,) = (one.pixels for one in draw(pipeline, detect_of(pipeline), PROMPTS[:1], QUICK, (64, 48)))
    enlarged = np.asarray(Image.fromarray(first).resize((96, 72), Image.Resampling.LANCZOS)).astype(int)
    little, much = (
        np.abs(hires_pictures(pipeline, Hires(1.5, "Lanczos", 4, s), PROMPTS[:1])[0] - enlarged).mean()
        for s in (0.02, 1.0)
    )
    assert little < much


def detect_of(pipeline):
    from pathlib import Path

    return detect(Path(pipeline.unet.config._name_or_path).parent)


@pytest.mark.parametrize("strength", [0.3, 0.5, 0.7, 0.75, 1.0])
@pytest.mark.parametrize("steps", [0, 1, 7, 20])
def test_as_many_steps_are_done_as_were_asked_for(steps, strength):
    second = second_sampling(Sampling("Euler a", 15), Hires(2, "Latent", steps, strength))
    assert int(second.steps * second.strength) == (steps or 15)


def test_the_announced_steps_are_those_that_are_done(pipeline):
    hires, done = Hires(1.5, "Latent", 3, 0.6), []
    run_hires(pipeline, PROMPTS, QUICK, hires, (64, 48), lambda: done.append(1))
    assert len(done) == hires_steps(pipeline, QUICK, hires) == 5


def test_sizes_are_multiples_of_eight():
    assert Hires(1.5).size((512, 768)) == (768, 1152)
    assert Hires(1.3).size((520, 512)) == (672, 664)


def test_a_picture_tells_its_second_pass_as_a1111_does(pipeline):
    hires = Hires(1.5, "Latent (nearest)", 3, 0.55)
    drawn = next(iter(draw(pipeline, detect_of(pipeline), PROMPTS, QUICK, (64, 48), hires=hires)))
    assert drawn.pixels.shape == (72, 96, 3)
    fields = drawn.info.fields
    assert fields["Size"] == "64x48"
    assert [fields[f"Hires {key}"] for key in ("upscale", "steps", "upscaler")] == [
        "1.5",
        "3",
        "Latent (nearest)",
    ]
    assert fields["Denoising strength"] == "0.55"
    assert "Hires steps" not in Hires().fields()


def test_the_first_pass_leaves_latents_of_its_size(pipeline):
    assert run_latents(pipeline, PROMPTS, QUICK, (64, 48)).shape == (2, 4, 6, 8)


@pytest.mark.parametrize(
    ("hires", "said"),
    [
        (Hires(upscaler="latent"), "no hires upscaler 'latent'"),
        (Hires(upscaler="R-ESRGAN 4x+"), "no hires upscaler"),
        (Hires(strength=0), "strength of 0"),
        (Hires(scale=1), "scale of 1 "),
        (Hires(scale=9), "scale of 9"),
    ],
)
def test_a_pass_that_cannot_be_is_refused(hires, said):
    with pytest.raises(UserError, match=said):
        check_hires(hires)


@pytest.mark.parametrize("kind", KINDS)
def test_both_passes_follow_controls_and_adapters(kind, tiny_base, tmp_path):
    from tests.condition_models import make_control_net, make_image_encoder, make_ip_adapter
    from tests.diffusion.txt2img.noise import save_noise
    from wrapper.diffusion.conditions.conditions import Conditions, Control, IpAdapter

    image, base = save_noise(tmp_path / "a.png"), tiny_base(kind)
    adapter = IpAdapter(
        make_ip_adapter(base, tmp_path / "ip.safetensors"), make_image_encoder(tmp_path / "encoder"), (image,)
    )
    control = Control("depth", image, make_control_net(base, tmp_path / "net"))
    made = []
    for conditions in (Conditions(), Conditions((control,)), Conditions((control,), (adapter,))):
        opened = open_pipeline(detect(base), "txt2img", conditions=conditions)
        made.append(hires_pictures(opened, Hires(1.5, "Latent", 2, 0.7), PROMPTS))
    assert {one.shape for one in made} == {(2, 72, 96, 3)}
    assert np.abs(made[0] - made[1]).max() > 5
    assert np.abs(made[1] - made[2]).max() > 5
