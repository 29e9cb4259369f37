"""How A1111, sd-scripts and ComfyUI spell the names of samplers and schedule types."""

from __future__ import annotations

import re

AUTOMATIC = "Automatic"
"""A1111's schedule type for: the sampler's own."""

OTHERS = {
    "DPM++ 2S a": "DPM2 a",
    "DPM++ 3M SDE": "DPM++ 2M SDE",
    "DPM fast": "DPM++ 2M",
    "DPM adaptive": "DPM++ 2M Karras",
    "Restart": "Euler a",
    "DDIM CFG++": "DDIM",
    "Euler CFG++": "Euler",
    "Euler a CFG++": "Euler a",
    "HeunPP2": "Heun",
    "IPNDM": "PLMS",
    "DEIS": "UniPC",
}
"""Samplers of A1111 and Forge that diffusers lacks, and what it has that is nearest.

diffusers 0.42.1 has a DPM++ 3M SDE, but the sign of its last term (-0.5) is not that of the exact solution's
expansion, nor of k-diffusion: the pictures differ by a fifth.
"""

_OWN_SCHEDULES = {
    "DPM++ 2M": "Karras",
    "DPM++ SDE": "Karras",
    "DPM++ 2M SDE": "Exponential",
    "DPM++ 2M SDE Heun": "Exponential",
    "DPM2": "Karras",
    "DPM2 a": "Karras",
}
"""A1111 1.10, ``modules/sd_samplers_kdiffusion.py``."""

_WORDS = (
    (r"[\s_\-]+", ""),
    (r"dpmpp", "dpm++"),
    (r"ancestral", "a"),
    (r"^k(?=euler|lms|heun|dpm|lcm)", ""),
    (r"polyexponential$", "exponential"),  # A1111's rho is 1, which makes them the same
    (r"(?<!sgm)(?:uniform|normal)$", ""),
    (r"simple$", "sgmuniform"),  # less than one timestep of 1,000 apart
    (r"^pndm$", "plms"),
    (r"^dpmsolver\+\+", "dpm++2m"),
    (r"^ddimuniform$", "ddim"),
)


def spelled(name: str) -> str:
    """A name without what spellings differ in: ``k_dpmpp_2m``, ``DPM++ 2M`` → ``dpm++2m``."""
    name = name.casefold()
    for pattern, plain in _WORDS:
        name = re.sub(pattern, plain, name)
    return name


def own_schedule(sampler: str) -> str:
    """The schedule type that A1111 since 1.9 gives a sampler by itself."""
    return _OWN_SCHEDULES.get(sampler, "Uniform")
