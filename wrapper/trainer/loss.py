"""The loss, as pure functions on tensors. ``B`` pictures, ``C`` latent channels, ``h`` × ``w`` latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Noising:
    """What a training step adds: ``noise`` and ``noisy`` [B, C, h, w], ``timesteps`` [B]."""

    noise: Tensor
    noisy: Tensor
    timesteps: Tensor


def draw_noise(latents: Tensor, generator: torch.Generator, offset: float, *, random_offset: bool) -> Tensor:
    """Gaussian noise like ``latents`` plus one shift a channel of size ``offset`` (Guttenberg 2023).

    Drawn on the CPU, so that every device sees the same. ``random_offset`` scales the shift by U(0, 1).
    """
    noise = torch.randn(latents.shape, generator=generator)
    if offset:
        strength = offset * torch.rand(1, generator=generator) if random_offset else offset
        noise = noise + strength * torch.randn((*latents.shape[:2], 1, 1), generator=generator)
    return noise.to(latents.device, latents.dtype)


def draw_timesteps(count: int, generator: torch.Generator, low: int, high: int) -> Tensor:
    """``count`` timesteps, uniform in ``low`` ≤ t < ``high``."""
    return torch.randint(low, high, (count,), generator=generator)


def add_noise(latents: Tensor, noise: Tensor, alphas_cumprod: Tensor, timesteps: Tensor) -> Noising:
    """√ᾱ_t · x₀ + √(1 − ᾱ_t) · ε (Ho et al. 2020, eq. 4)."""
    alpha = alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    return Noising(noise, alpha.sqrt() * latents + (1 - alpha).sqrt() * noise, timesteps)


def min_snr_weight(alphas_cumprod: Tensor, timesteps: Tensor, gamma: float) -> Tensor:
    """min(SNR, γ) / SNR with SNR = ᾱ / (1 − ᾱ), for noise prediction (Hang et al. 2023, eq. 9). [B]

    At SNR 10 and γ 5 the weight is 0.5.
    """
    alpha = alphas_cumprod[timesteps]
    snr = alpha / (1 - alpha)
    return snr.clamp(max=gamma) / snr


def masked_mean(error: Tensor, mask: Tensor | None, *, normalize: bool) -> Tensor:
    """Each picture's mean error [B] from ``error`` [B, C, h, w], weighted by ``mask`` [B, 1, H, W] in 0 … 1.

    The mask is area-averaged to the latents' size. sd-scripts divides by the whole picture;
    ``normalize`` divides by the mask's own area, so that small masks count as much as large ones.
    """
    if mask is None:
        return error.mean(dim=(1, 2, 3))
    weight = functional.interpolate(mask.to(error.dtype), size=error.shape[2:], mode="area")
    loss = (error * weight).mean(dim=(1, 2, 3))
    return loss / weight.mean(dim=(1, 2, 3)) if normalize else loss


def step_loss(
    predicted: Tensor,
    noise: Tensor,
    *,
    mask: Tensor | None,
    normalize: bool,
    weights: Tensor,
    snr_weights: Tensor | None,
) -> Tensor:
    """The batch's loss, a scalar: squared error, mask, prior-loss ``weights`` [B], min-SNR [B], mean.

    The order is that of sd-scripts v0.10.1 ``train_network.py``.
    """
    error = functional.mse_loss(predicted.float(), noise.float(), reduction="none")
    loss = masked_mean(error, mask, normalize=normalize) * weights
    if snr_weights is not None:
        loss = loss * snr_weights
    return loss.mean()
