"""A1111's schedule types: which noise levels a sampler goes through (``modules/sd_schedulers.py``, 1.10)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

RHO = 7.0
"""Karras et al. 2022, section 3."""
BETA = 0.6
"""Both parameters of the beta distribution: Lee et al. 2024, "Beta Sampling is All You Need"."""


def noise_levels(schedule: str, sigmas: np.ndarray, steps: int) -> np.ndarray:
    """``steps`` falling levels out of ``sigmas``, those of all timesteps, which rise.

    Karras: Karras et al. 2022, equation 5.
    """
    import numpy as np

    low, high = float(sigmas[0]), float(sigmas[-1])
    down = np.linspace(1, 0, steps)
    if schedule == "Karras":
        return (low ** (1 / RHO) + down * (high ** (1 / RHO) - low ** (1 / RHO))) ** RHO
    if schedule == "Exponential":
        return np.exp(np.log(low) + down * (np.log(high) - np.log(low)))
    if schedule == "Beta":
        from scipy.stats import beta

        return low + beta.ppf(down, BETA, BETA) * (high - low)
    last = len(sigmas) - 1
    places = np.linspace(last, 0, steps + 1)[:-1] if schedule == "SGM Uniform" else down * last
    return np.exp(np.interp(places, np.arange(len(sigmas)), np.log(sigmas)))


@cache
def spaced(scheduler: str, schedule: str) -> Any:
    """The diffusers class ``scheduler``, going through the noise levels of ``schedule``.

    diffusers 0.42.1 knows one spacing only for Euler ancestral, and cuts timesteps off where it should round.
    """
    import diffusers
    import numpy as np
    import torch

    base: Any = getattr(diffusers, scheduler)

    class Spaced(base):  # type: ignore[misc]
        def set_timesteps(self, num_inference_steps: int, device: Any = None, **others: Any) -> None:
            super().set_timesteps(num_inference_steps, device, **others)
            kept = self.alphas_cumprod.double().numpy()
            every = np.sqrt((1 - kept) / kept)
            levels = noise_levels(schedule, every, num_inference_steps)
            places = np.interp(np.log(levels), np.log(every), np.arange(len(every)))
            whole = not self.timesteps.is_floating_point()
            self.timesteps = torch.from_numpy(places.round() if whole else places).to(self.timesteps)
            self.sigmas = torch.from_numpy(np.append(levels, 0.0)).to(self.sigmas)

    Spaced.__name__ = Spaced.__qualname__ = f"{scheduler}{schedule.replace(' ', '')}"
    return Spaced
