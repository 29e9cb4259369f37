"""A1111's sampler names: each a scheduler on the base's own noise schedule."""

from __future__ import annotations

import pytest

from dataset_tools.errors import UserError
from wrapper.diffusion.pipelines.schedulers import SAMPLERS, find_sampler, make_scheduler

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SD15 = {
    "_class_name": "PNDMScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "leading",
    "skip_prk_steps": True,
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_keeps_the_noise_schedule_of_the_base(name):
    scheduler = make_scheduler(name, SD15)
    scheduler.set_timesteps(10)
    assert float(scheduler.betas[0]) == pytest.approx(0.00085)
    assert float(scheduler.betas[-1]) == pytest.approx(0.012)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "DDIM"])
def test_k_diffusion_samplers_start_at_the_last_timestep_whatever_the_base_says(name):
    scheduler = make_scheduler(name, SD15)
    scheduler.set_timesteps(10)
    assert float(scheduler.timesteps[0]) == pytest.approx(999)


def test_karras_spaces_its_noise_levels_otherwise():
    plain, karras = (make_scheduler(name, SD15) for name in ("DPM++ 2M", "DPM++ 2M Karras"))
    plain.set_timesteps(10)
    karras.set_timesteps(10)
    assert float(karras.sigmas[5]) < float(plain.sigmas[5]) * 0.9


def test_a_mistyped_sampler_gets_the_nearest_name():
    with pytest.raises(UserError, match="no sampler 'Euler A'") as caught:
        find_sampler("Euler A")
    assert "Did you mean 'Euler a'?" in caught.value.hint
    assert "DPM++ 2M Karras" in caught.value.hint
