"""A1111's sampler names: each a scheduler on the base's own noise schedule, on A1111's noise levels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dataset_tools.errors import UserError
from wrapper.base_model.detect import detect
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import Sampling, run_batch
from wrapper.diffusion.pipelines.schedulers import (
    SAMPLERS,
    available_samplers,
    check_sampler,
    find_sampler,
    make_scheduler,
    sampler_fields,
    sampler_name,
)
from wrapper.diffusion.prompts.prompt import Prompt

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning", "ignore:__array_wrap__ must:DeprecationWarning"
)

SD15 = {
    "_class_name": "PNDMScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "leading",
    "skip_prk_steps": True,
}
ROUNDING = 6
"""Of 255: a batch adds up in another order, and few steps of a random model make that larger."""
BY_TIMESTEPS = ("DDIM", "PLMS", "LCM")


def all_sigmas() -> np.ndarray:
    """Of every timestep: sqrt((1 - a) / a) with a the product of 1 - beta (k-diffusion's external.py)."""
    kept = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    return np.sqrt((1 - kept) / kept)


def levels(name: str, steps: int) -> np.ndarray:
    scheduler = make_scheduler(name, SD15)
    scheduler.set_timesteps(steps)
    found = dict.fromkeys(round(float(sigma), 5) for sigma in scheduler.sigmas if sigma > 0)
    return np.array(list(found))


@pytest.mark.parametrize("name", available_samplers())
def test_every_sampler_keeps_the_noise_schedule_of_the_base(name):
    scheduler = make_scheduler(name, SD15)
    scheduler.set_timesteps(10)
    assert float(scheduler.betas[0]) == pytest.approx(0.00085)
    assert float(scheduler.betas[-1]) == pytest.approx(0.012)


@pytest.mark.parametrize("name", [name for name in available_samplers() if name not in BY_TIMESTEPS])
def test_k_diffusion_samplers_start_at_the_last_timestep_whatever_the_base_says(name):
    scheduler = make_scheduler(name, SD15)
    scheduler.set_timesteps(10)
    assert float(scheduler.timesteps[0]) == pytest.approx(999)


@pytest.mark.parametrize(
    "name", ["Euler a", "Euler", "DPM++ 2M", "DPM++ 2M SDE", "LMS", "Heun", "DPM2", "DPM2 a"]
)
def test_noise_levels_are_those_of_k_diffusion(name):
    """Karras et al. 2022, equation 5, with rho 7; exponential, evenly in the logarithm."""
    low, high = all_sigmas()[[0, -1]]
    ramp = np.linspace(0, 1, 12)
    karras = (high ** (1 / 7) + ramp * (low ** (1 / 7) - high ** (1 / 7))) ** 7
    assert levels(f"{name} Karras", 12) == pytest.approx(karras, rel=1e-3)
    exponential = np.exp(np.linspace(math.log(high), math.log(low), 12))
    assert levels(f"{name} Exponential", 12) == pytest.approx(exponential, rel=1e-3)
    even = np.interp(np.linspace(999, 0, 13)[:-1], np.arange(1000), all_sigmas())
    assert levels(f"{name} SGM Uniform", 12) == pytest.approx(even, rel=0.02)
    uniform = np.interp(np.linspace(999, 0, 12), np.arange(1000), all_sigmas())
    assert levels(name, 12) == pytest.approx(uniform, rel=0.02)
    assert levels(f"{name} Beta", 12)[[0, 5, -1]] == pytest.approx(
        [high, low + 0.5629 * (high - low), low], rel=1e-2
    )


@pytest.fixture(scope="module")
def pipeline(tiny_base):
    return open_pipeline(detect(tiny_base("sd15")), "txt2img")


@pytest.mark.parametrize("name", available_samplers())
def test_every_sampler_draws_a_picture(pipeline, name):
    (picture,) = run_batch(pipeline, [Prompt("a man")], Sampling(name, steps=3), (48, 32))
    assert picture.shape == (32, 48, 3)
    assert picture.std() > 1


@pytest.mark.parametrize(
    "name", [name for name in available_samplers() if name == sampler_fields(name)["Sampler"]]
)
def test_a_seed_draws_the_same_alone_in_a_batch_and_again(pipeline, name):
    def draw(*seeds):
        prompts = [Prompt("a woman", seed=seed) for seed in seeds]
        return np.stack(run_batch(pipeline, prompts, Sampling(name, 4, 3.0), (32, 32))).astype(int)

    both = draw(5, 6)
    assert np.abs(both[0] - both[1]).max() > 20
    assert (draw(6, 5)[0] == both[1]).all()
    assert np.abs(draw(6)[0] - both[1]).max() <= ROUNDING


def test_a_sampler_with_noise_of_its_own_gets_the_seeds(monkeypatch):
    class Noisy:
        def __init__(self):
            self.noise_sampler_seed = None

    monkeypatch.setattr("diffusers.DDIMScheduler", Noisy)
    monkeypatch.setitem(SAMPLERS, "DDIM", type(SAMPLERS["DDIM"])("DDIMScheduler"))
    assert make_scheduler("DDIM", {}, [3, 4]).noise_sampler_seed == [3, 4]


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("euler a", "Euler a"),
        ("k_euler_ancestral", "Euler a"),
        ("dpmpp_2m_karras", "DPM++ 2M Karras"),
        ("DPM++ 2M SDE Heun exponential", "DPM++ 2M SDE Heun Exponential"),
        ("k_dpm_2_a", "DPM2 a"),
        ("pndm", "PLMS"),
        ("dpmsolver++", "DPM++ 2M"),
        ("uni_pc", "UniPC"),
        ("Heun Normal", "Heun"),
        ("LMS Polyexponential", "LMS Exponential"),
        ("Euler SGMUniform", "Euler SGM Uniform"),
    ],
)
def test_names_in_other_spellings(spelled, name):
    assert sampler_name(spelled) == name
    assert find_sampler(spelled) is SAMPLERS[name]


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_name_is_found_in_capitals_and_from_its_fields(name):
    assert sampler_name(name.upper()) == name
    fields = sampler_fields(name)
    assert sampler_name(fields["Sampler"], fields.get("Schedule type", "")) == name


@pytest.mark.parametrize(
    ("sampler", "schedule", "name"),
    [
        ("DPM++ 2M", "Karras", "DPM++ 2M Karras"),
        ("DPM++ 2M", "Uniform", "DPM++ 2M"),
        ("DPM++ 2M", "Automatic", "DPM++ 2M Karras"),
        ("DPM++ 2M SDE", "automatic", "DPM++ 2M SDE Exponential"),
        ("Euler a", "Automatic", "Euler a"),
        ("DDIM", "Automatic", "DDIM"),
    ],
)
def test_a_sampler_and_a_schedule_type(sampler, schedule, name):
    assert sampler_name(sampler, schedule) == name


def test_a_mistyped_sampler_gets_the_nearest_name():
    with pytest.raises(UserError, match="no sampler 'Eular a'") as caught:
        find_sampler("Eular a")
    assert "Did you mean 'Euler a'?" in caught.value.hint
    assert "DPM++ 2M Karras" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "schedule", "said", "hint"),
    [
        ("DPM++ 2S a Karras", "", "'DPM.. 2S a' is not in diffusers", "DPM2 a"),
        ("dpmpp_3m_sde", "exponential", "'DPM.. 3M SDE' is not in diffusers", "DPM++ 2M SDE"),
        ("Euler", "KL Optimal", "no schedule type 'KL Optimal' for Euler", "Known: Uniform, Karras"),
    ],
)
def test_what_diffusers_lacks_is_named_with_what_is_near(name, schedule, said, hint):
    with pytest.raises(UserError, match=said) as caught:
        sampler_name(name, schedule)
    assert hint in caught.value.hint


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("wrapper.diffusion.pipelines.schedulers.find_spec", lambda _: None)
    assert "DPM++ SDE Karras" not in available_samplers()
    with pytest.raises(UserError, match=r"'DPM\+\+ SDE Karras' needs the package torchsde") as caught:
        check_sampler("dpmpp_sde_karras", 10)
    assert "pip install torchsde" in caught.value.hint


def test_lcm_has_an_end():
    check_sampler("LCM", 50)
    with pytest.raises(UserError, match="at most 50 steps, not 51"):
        check_sampler("LCM", 51)
