"""A1111's "Hires. fix": draw at the first size, enlarge, and draw over that with img2img."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError, did_you_mean
from wrapper.diffusion.pipelines.classes import img2img_pipeline
from wrapper.diffusion.pipelines.sampling import OnStep, Sampling, run_batch, run_latents, step_count
from wrapper.diffusion.pipelines.sides import SIDE_STEP
from wrapper.diffusion.prompts.prompt import Prompt

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

LATENT: dict[str, dict[str, Any]] = {
    "Latent": {"mode": "bilinear", "antialias": False},
    "Latent (antialiased)": {"mode": "bilinear", "antialias": True},
    "Latent (bicubic)": {"mode": "bicubic", "antialias": False},
    "Latent (bicubic antialiased)": {"mode": "bicubic", "antialias": True},
    "Latent (nearest)": {"mode": "nearest"},
    "Latent (nearest-exact)": {"mode": "nearest-exact"},
}
"""A1111's upscalers of latents (1.10), as arguments of torch's ``interpolate``."""
IMAGE = ("Lanczos", "Nearest")
"""A1111's upscalers of pictures that need no model, by Pillow's names."""


@dataclass(frozen=True)
class Hires:
    """``scale`` × the first size; ``steps`` 0 for as many as the first pass; A1111's defaults."""

    scale: float = 2.0
    upscaler: str = "Latent"
    steps: int = 0
    strength: float = 0.7

    def size(self, first: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of the final picture, in steps of `SIDE_STEP`, cut down as A1111 does."""
        width, height = map(self.side, first)
        return width, height

    def side(self, first: int) -> int:
        """The final width or height."""
        return int(first * self.scale) // SIDE_STEP * SIDE_STEP

    def fields(self) -> dict[str, str]:
        """A1111's infotext fields."""
        steps = {"Hires steps": str(self.steps)} if self.steps else {}
        told = {"Denoising strength": f"{self.strength:g}", "Hires upscale": f"{self.scale:g}"}
        return {**told, **steps, "Hires upscaler": self.upscaler}


def check_hires(hires: Hires) -> None:
    """Raise `UserError` for an upscaler that there is not, a strength outside 0..1, and a scale of 1."""
    known = (*LATENT, *IMAGE)
    if hires.upscaler not in known:
        hint = f"{did_you_mean(hires.upscaler, known)} Known: {', '.join(known)}.".strip()
        raise UserError(f"There is no hires upscaler '{hires.upscaler}'.", hint)
    if not 0 < hires.strength <= 1:
        raise UserError(f"A hires strength of {hires.strength:g} is not above 0 and at most 1.")
    if not 1 < hires.scale <= 8:
        raise UserError(f"A hires scale of {hires.scale:g} is not above 1 and at most 8.")


def second_sampling(sampling: Sampling, hires: Hires) -> Sampling:
    """The img2img pass: as many steps as asked for are really done, as A1111's hires pass does them."""
    wanted = hires.steps or sampling.steps
    steps = math.ceil(wanted / hires.strength)
    while int(steps * hires.strength) < wanted:  # rounding
        steps += 1
    return replace(sampling, steps=steps, strength=hires.strength)


def hires_steps(pipeline: Any, sampling: Sampling, hires: Hires) -> int:
    """How often the U-Net is called for a batch, both passes together."""
    return step_count(pipeline, sampling) + step_count(pipeline, second_sampling(sampling, hires))


def run_hires(
    pipeline: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    hires: Hires,
    size: tuple[int, int],
    on_step: OnStep | None = None,
) -> list[np.ndarray]:
    """Pictures of ``hires.size(size)``; both passes start from the noise of the prompts' seeds."""
    upscale = _latent_upscaler if hires.upscaler in LATENT else _image_upscaler
    enlarged = upscale(pipeline, prompts, sampling, hires, size, on_step)
    again, final = second_sampling(sampling, hires), hires.size(size)
    over = img2img_pipeline(pipeline)
    return run_batch(over, prompts, again, final, on_step, image=enlarged, strength=hires.strength)


def _latent_upscaler(
    pipeline: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    hires: Hires,
    size: tuple[int, int],
    on_step: OnStep | None,
) -> Tensor:
    """The first pass's latents [N, 4, h, w], enlarged."""
    from torch.nn.functional import interpolate

    latents = run_latents(pipeline, prompts, sampling, size, on_step)
    width, height = (side // pipeline.vae_scale_factor for side in hires.size(size))
    return interpolate(latents, size=(height, width), **LATENT[hires.upscaler])


def _image_upscaler(
    pipeline: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    hires: Hires,
    size: tuple[int, int],
    on_step: OnStep | None,
) -> list[Image]:
    """The first pass's pictures, enlarged."""
    from PIL import Image

    ways = {"Lanczos": Image.Resampling.LANCZOS, "Nearest": Image.Resampling.NEAREST}
    pictures = run_batch(pipeline, prompts, sampling, size, on_step)
    return [Image.fromarray(p).resize(hires.size(size), ways[hires.upscaler]) for p in pictures]
