"""A1111's sampler names as diffusers schedulers, set up the way A1111 runs them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dataset_tools.errors import UserError, did_you_mean

NOISE_SCHEDULE_KEYS = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)
"""What a base model was trained with; everything else is the sampler's own choice."""


@dataclass(frozen=True)
class Sampler:
    """A diffusers scheduler class by name, and the options that make it A1111's sampler."""

    scheduler: str
    options: Mapping[str, Any] = field(default_factory=dict)


_SPACED = {"timestep_spacing": "linspace"}
SAMPLERS: Mapping[str, Sampler] = {
    "Euler a": Sampler("EulerAncestralDiscreteScheduler", _SPACED),
    "Euler": Sampler("EulerDiscreteScheduler", _SPACED),
    "DPM++ 2M": Sampler("DPMSolverMultistepScheduler", _SPACED),
    "DPM++ 2M Karras": Sampler("DPMSolverMultistepScheduler", {**_SPACED, "use_karras_sigmas": True}),
    "DDIM": Sampler(
        "DDIMScheduler",
        {"timestep_spacing": "leading", "steps_offset": 1, "clip_sample": False, "set_alpha_to_one": False},
    ),
    "UniPC": Sampler("UniPCMultistepScheduler", _SPACED),
    "LMS": Sampler("LMSDiscreteScheduler", _SPACED),
    "Heun": Sampler("HeunDiscreteScheduler", _SPACED),
}


def find_sampler(name: str) -> Sampler:
    """The sampler of that name; raises `UserError` with the nearest name, and all of them."""
    if name not in SAMPLERS:
        hint = f"{did_you_mean(name, SAMPLERS)} Known: {', '.join(SAMPLERS)}.".strip()
        raise UserError(f"There is no sampler '{name}'.", hint)
    return SAMPLERS[name]


def make_scheduler(name: str, base_config: Mapping[str, Any]) -> Any:
    """A fresh diffusers scheduler called ``name``, on the noise schedule of ``base_config``."""
    import diffusers

    sampler = find_sampler(name)
    scheduler_class = getattr(diffusers, sampler.scheduler)
    accepted = inspect.signature(scheduler_class.__init__).parameters
    known = [key for key in NOISE_SCHEDULE_KEYS if key in base_config and key in accepted]
    schedule = {key: base_config[key] for key in known}
    return scheduler_class(**schedule, **sampler.options)
