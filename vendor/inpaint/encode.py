"""Pictures and masks to what the U-Net sees. ``h`` × ``w`` latents of ``H`` × ``W`` pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inpaint.refusal import RefusedError
from inpaint.variants import REPAINT


def to_pixels(image: np.ndarray) -> Tensor:
    """uint8 [H, W, 3] → [3, H, W] in −1 … 1, as sd-scripts' image transforms."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float() / 127.5 - 1


def to_hole(mask: np.ndarray) -> Tensor:
    """uint8 [H, W] → [1, H, W], 1 where it is repainted: binary at one half, as diffusers' pipelines."""
    return torch.from_numpy(np.ascontiguousarray(mask) >= REPAINT).float()[None]


def to_weight(mask: np.ndarray, *, normalize: bool) -> Tensor:
    """uint8 [H, W] → [1, H, W]: how much each pixel's error counts, soft edges kept.

    Divided by the mask's mean with ``normalize``, so that the masked loss is one over the mask's own area.
    """
    weight = torch.from_numpy(np.ascontiguousarray(mask)).float()[None] / 255
    return weight / weight.mean() if normalize else weight


def shrink_hole(hole: Tensor, size: Sequence[int]) -> Tensor:
    """[…, 1, H, W] → […, 1, h, w] by nearest neighbour, as diffusers' inpainting pipelines."""
    return functional.interpolate(hole, size=tuple(size))


def shrink_weight(weight: Tensor, size: Sequence[int]) -> Tensor:
    """[…, 1, H, W] → […, 1, h, w] by area, as sd-scripts' masked loss does."""
    return functional.interpolate(weight, size=tuple(size), mode="area")


def encode(vae: Any, pixels: Tensor, seeds: Sequence[int], batch_size: int) -> Tensor:
    """Unscaled latents [B, 4, h, w] of ``pixels`` [B, 3, H, W], float32 on the CPU; one seed a picture."""
    parts = []
    for start in range(0, len(pixels), batch_size):
        chunk = pixels[start : start + batch_size].to(vae.device, vae.dtype)
        with torch.no_grad():
            moments = vae.encode(chunk).latent_dist
        mean, std = moments.mean.float().cpu(), moments.std.float().cpu()
        noise = [_noise(mean.shape[1:], seed) for seed in seeds[start : start + batch_size]]
        parts.append(mean + std * torch.stack(noise))
    return _finite(torch.cat(parts))


def encode_now(vae: Any, pixels: Tensor, batch_size: int) -> Tensor:
    """Unscaled latents [B, 4, h, w] on the VAE's device, drawn from torch's own random state."""
    with torch.no_grad():
        chunks = pixels.to(vae.device, vae.dtype).split(batch_size)
        return _finite(torch.cat([vae.encode(chunk).latent_dist.sample() for chunk in chunks]))


def _noise(shape: Sequence[int], seed: int) -> Tensor:
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))


def _finite(latents: Tensor) -> Tensor:
    if not torch.isfinite(latents).all():
        raise RefusedError("the VAE gave values that are not finite: set no_half_vae = true.")
    return latents
