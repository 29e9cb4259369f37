"""Train the base model's VAE: 64 x 64 x 3 pixels to 16 x 16 x 4 latents and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from wrapper.demo.drawings import Drawings
from wrapper.demo.training import Average, Reporter, learning_rate, mask_to_tensor, psnr_db, to_tensor
from wrapper.demo.vae_start import start_from_patches

CHANNELS = (24, 48, 64)
LATENT_CHANNELS = 4
SCALING_FACTOR = 0.18215
"""Stable Diffusion 1.5's: the latents are whitened so that it fits here too."""
LEARNING_RATE = 1e-3
BATCH = 16
CROP = 48
KL_WEIGHT = 2e-5
EAR_WEIGHT = 2.0
REPORT_EVERY = 500


def new_vae(size: int) -> AutoencoderKL:
    """An untrained VAE that makes latents a quarter of `size`."""
    blocks = len(CHANNELS)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=1,
        sample_size=size,
        scaling_factor=SCALING_FACTOR,
        mid_block_add_attention=False,
    )


def train_vae(train: Drawings, validation: Drawings, steps: int, seed: int, out: Path) -> dict[str, object]:
    """Train, whiten and save a VAE to `out`; returns what the record says of it."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    vae = new_vae(train.pictures.shape[1])
    start_from_patches(vae, to_tensor(train.pictures[:200]))
    average = Average(vae.parameters())
    optimizer = torch.optim.AdamW(vae.parameters(), LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    pictures, masks = to_tensor(validation.pictures), mask_to_tensor(validation.masks)

    def measure() -> dict[str, float]:
        with average:
            return quality(vae, pictures, masks)

    reporter = Reporter("vae", steps, REPORT_EVERY, measure)
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = learning_rate(step, steps, LEARNING_RATE)
        x, mask = _random_crops(train, rng)
        loss = _loss(vae, x, mask)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        average.update(step)
        if reporter.due(step, loss.item()):
            with average:
                _save_whitened(vae, to_tensor(train.pictures[:1000]), out)
    return {"steps": steps, "batch": BATCH, "crop": CROP, "history": reporter.history}


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: Tensor, batch: int = 100) -> Tensor:
    """The posterior means of `pictures` (N, 3, H, W), not scaled."""
    return torch.cat([vae.encode(part).latent_dist.mean for part in pictures.split(batch)])


@torch.no_grad()
def quality(vae: AutoencoderKL, pictures: Tensor, masks: Tensor) -> dict[str, float]:
    """PSNR of encode and decode, over whole pictures and inside the ears' regions."""
    latents = encode(vae, pictures)
    decoded = torch.cat([vae.decode(part).sample for part in latents.split(100)]).clamp(-1, 1)
    return {"psnr_db": psnr_db(decoded, pictures), "ear_psnr_db": psnr_db(decoded, pictures, masks)}


def _random_crops(train: Drawings, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A batch of random drawings, all cut at one random place, and their masks."""
    index = np.sort(rng.integers(0, len(train), BATCH))
    top, left = rng.integers(0, (train.pictures.shape[1] - CROP) // 4 + 1, 2) * 4
    window = (index, slice(top, top + CROP), slice(left, left + CROP))
    return to_tensor(train.pictures[window]), mask_to_tensor(train.masks[window])


def _loss(vae: AutoencoderKL, x: Tensor, mask: Tensor) -> Tensor:
    """L1 + L2, ears weighted, plus the L1 of the picture's gradients and a little of the KL divergence."""
    with torch.autocast("cpu", torch.bfloat16):
        posterior = vae.encode(x).latent_dist
        decoded = vae.decode(posterior.sample()).sample
    error = decoded.float() - x
    weight = 1 + EAR_WEIGHT * mask
    gradients = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    mean, log_variance = posterior.mean.float(), posterior.logvar.float()
    kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
    return (weight * (error.abs() + error**2)).mean() + gradients + KL_WEIGHT * kl


@torch.no_grad()
def _save_whitened(vae: AutoencoderKL, pictures: Tensor, out: Path) -> None:
    """Save a copy whose latents times SCALING_FACTOR have mean 0 and variance 1 in every channel.

    The whitening is folded into the two 1 x 1 convolutions around the latents: nothing else must know of it.
    """
    copy = new_vae(pictures.shape[-1])
    copy.load_state_dict(vae.state_dict())
    latents = encode(copy, pictures)
    mean = latents.mean((0, 2, 3))
    gain = 1 / (latents.std((0, 2, 3)) * SCALING_FACTOR)
    before, after = copy.quant_conv, copy.post_quant_conv
    before.weight[:LATENT_CHANNELS] *= gain[:, None, None, None]
    before.bias[:LATENT_CHANNELS] = (before.bias[:LATENT_CHANNELS] - mean) * gain
    before.bias[LATENT_CHANNELS:] += 2 * torch.log(gain)
    after.bias += after.weight[:, :, 0, 0] @ mean
    after.weight /= gain[None, :, None, None]
    copy.save_pretrained(out)
