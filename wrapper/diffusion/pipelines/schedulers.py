"""A1111's sampler names as diffusers schedulers, set up the way A1111 runs them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from dataset_tools.errors import UserError, did_you_mean
from wrapper.diffusion.pipelines.sampler_names import AUTOMATIC, OTHERS, own_schedule, spelled
from wrapper.diffusion.pipelines.spacing import spaced

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
    """A diffusers scheduler class by name, and the options that make it A1111's sampler.

    ``schedule`` is A1111's schedule type. ``needs`` is a package that diffusers wants for it, ``most_steps``
    what the scheduler can do at most.
    """

    scheduler: str
    options: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = ""
    needs: str = ""
    most_steps: int | None = None


UNIFORM = "Uniform"
"""Steps evenly spread over the timesteps; what a sampler's name alone means."""
_SPACED = {"timestep_spacing": "linspace"}
SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    UNIFORM: _SPACED,
    "Karras": {**_SPACED, "use_karras_sigmas": True},
    "Exponential": {**_SPACED, "use_exponential_sigmas": True},
    "Beta": {**_SPACED, "use_beta_sigmas": True},
    "SGM Uniform": {"timestep_spacing": "trailing"},
}
"""A1111's schedule types, as the options of those diffusers schedulers that know them."""

RESPACED = ("EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler")
"""Those that get their noise levels from us."""

_MULTISTEP, _STOCHASTIC = "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}
_SCHEDULED: Mapping[str, Sampler] = {
    "Euler a": Sampler("EulerAncestralDiscreteScheduler"),
    "Euler": Sampler("EulerDiscreteScheduler"),
    "DPM++ 2M": Sampler(_MULTISTEP),
    "DPM++ SDE": Sampler("DPMSolverSDEScheduler", needs="torchsde"),
    "DPM++ 2M SDE": Sampler(_MULTISTEP, _STOCHASTIC),
    "DPM++ 2M SDE Heun": Sampler(_MULTISTEP, {**_STOCHASTIC, "solver_type": "heun"}),
    "LMS": Sampler("LMSDiscreteScheduler"),
    "Heun": Sampler("HeunDiscreteScheduler"),
    "DPM2": Sampler("KDPM2DiscreteScheduler"),
    "DPM2 a": Sampler("KDPM2AncestralDiscreteScheduler"),
}
"""Samplers that take every schedule type."""


def _with_schedule(name: str, schedule: str) -> tuple[str, Sampler]:
    known = _SCHEDULED[name]
    options = {**known.options, **SCHEDULES[schedule]}
    if known.scheduler in RESPACED:
        options = {**known.options, **_SPACED}
    called = name if schedule == UNIFORM else f"{name} {schedule}"
    return called, Sampler(known.scheduler, options, schedule, known.needs)


SAMPLERS: Mapping[str, Sampler] = {
    **dict(_with_schedule(name, schedule) for name in _SCHEDULED for schedule in SCHEDULES),
    "DDIM": Sampler(
        "DDIMScheduler",
        {"timestep_spacing": "leading", "steps_offset": 1, "clip_sample": False, "set_alpha_to_one": False},
    ),
    "PLMS": Sampler(
        "PNDMScheduler",
        {
            "timestep_spacing": "leading",
            "steps_offset": 1,
            "skip_prk_steps": True,
            "set_alpha_to_one": False,
        },
    ),
    "UniPC": Sampler("UniPCMultistepScheduler", _SPACED),
    "LCM": Sampler("LCMScheduler", {"original_inference_steps": 50}, most_steps=50),
}
"""By A1111's name, with the schedule type behind it as A1111 wrote it before 1.9."""


def available_samplers() -> list[str]:
    """The names of those samplers whose packages are installed."""
    return [name for name, sampler in SAMPLERS.items() if not sampler.needs or find_spec(sampler.needs)]


def sampler_name(name: str, schedule: str = "") -> str:
    """The name in `SAMPLERS` of a sampler in any known spelling, its schedule type behind it or beside.

    ``("k_dpmpp_2m", "karras")`` → ``DPM++ 2M Karras``; ``("DPM++ 2M", "Automatic")`` is what A1111 since 1.9
    makes of it. Raises `UserError` with the nearest names.
    """
    found = _BY_SPELLING.get(spelled(name))
    if found is None:
        raise _unknown(name)
    if not schedule:
        return found
    plain = found.removesuffix(f" {SAMPLERS[found].schedule}")
    wanted = own_schedule(plain) if spelled(schedule) == spelled(AUTOMATIC) else schedule
    both = _BY_SPELLING.get(spelled(f"{plain} {wanted}" if SAMPLERS[found].schedule else plain))
    if both is None:
        can = [s.schedule for n, s in SAMPLERS.items() if n.removesuffix(f" {s.schedule}") == plain]
        raise UserError(f"There is no schedule type '{schedule}' for {plain}.", f"Known: {', '.join(can)}.")
    return both


def sampler_fields(name: str) -> dict[str, str]:
    """A1111's fields of a sampler since 1.9: ``{"Sampler": "DPM++ 2M", "Schedule type": "Karras"}``."""
    found = sampler_name(name)
    schedule = SAMPLERS[found].schedule
    plain = found.removesuffix(f" {schedule}")
    return {"Sampler": plain, **({"Schedule type": schedule} if schedule else {})}


def _unknown(name: str) -> UserError:
    for other, near in OTHERS.items():
        if spelled(name).startswith(spelled(other)):
            return UserError(f"The sampler '{other}' is not in diffusers.", f"Near it is {near}.")
    simple = [found for found, sampler in SAMPLERS.items() if sampler.schedule in ("", UNIFORM, "Karras")]
    hint = f"{did_you_mean(name, SAMPLERS)} Known: {', '.join(simple)}; "
    return UserError(
        f"There is no sampler '{name}'.",
        f"{hint}and with {', '.join(list(SCHEDULES)[2:])} behind it.".strip(),
    )


_BY_SPELLING = {
    spelling: name for name in SAMPLERS for spelling in (spelled(name), spelled(f"{name} {UNIFORM}"))
}


def find_sampler(name: str, schedule: str = "") -> Sampler:
    """The sampler of that name, in any spelling. Raises `UserError` as `sampler_name` does."""
    return SAMPLERS[sampler_name(name, schedule)]


def check_sampler(name: str, steps: int) -> None:
    """Raise `UserError` for a sampler that there is not, that lacks its package, or that is made for less."""
    sampler = find_sampler(name)
    if sampler.needs and not find_spec(sampler.needs):
        raise UserError(
            f"The sampler '{sampler_name(name)}' needs the package {sampler.needs}, which is not installed.",
            f"Run: pip install {sampler.needs}",
        )
    if sampler.most_steps and steps > sampler.most_steps:
        raise UserError(f"{sampler_name(name)} has at most {sampler.most_steps} steps, not {steps}.")


def make_scheduler(name: str, base_config: Mapping[str, Any], seeds: Sequence[int] = ()) -> Any:
    """A fresh diffusers scheduler called ``name``, on the noise schedule of ``base_config``.

    ``seeds``, one a picture, are for a sampler that draws its noise by itself.
    """
    import diffusers

    sampler = find_sampler(name)
    respaced = sampler.scheduler in RESPACED
    scheduler_class = (
        spaced(sampler.scheduler, sampler.schedule) if respaced else getattr(diffusers, sampler.scheduler)
    )
    accepted = inspect.signature(scheduler_class.__init__).parameters
    known = [key for key in NOISE_SCHEDULE_KEYS if key in base_config and key in accepted]
    schedule = {key: base_config[key] for key in known}
    scheduler = scheduler_class(**schedule, **sampler.options)
    if seeds and hasattr(scheduler, "noise_sampler_seed"):
        scheduler.noise_sampler_seed = list(seeds)
    return scheduler
