"""Train the base model's U-Nets: with 4 channels from noise and words, with 9 channels to fill a hole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, EulerAncestralDiscreteScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from wrapper.demo.drawings import Drawings
from wrapper.demo.holes import hole
from wrapper.demo.train_text import WIDTH, token_ids
from wrapper.demo.train_vae import LATENT_CHANNELS, encode
from wrapper.demo.training import Average, Reporter, learning_rate, mask_to_tensor, to_tensor

CHANNELS = (64, 96, 96)
HEADS = 8
NORM_GROUPS = 32
LEARNING_RATE = 1e-3
INPAINT_LEARNING_RATE = 5e-4
BATCH = 16
EAR_WEIGHT = 2.0
SNR_GAMMA = 5.0
NO_CAPTION = 0.1
"""How often the caption is left out, for classifier-free guidance."""
REPORT_EVERY = 250
NOISE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
"""Stable Diffusion 1.5's noise schedule."""


@dataclass(frozen=True)
class Corpus:
    """Latents (N, 4, h, w), where ears are (N, 1, h, w), token ids of both captions (2, N, 77).

    `holes` is the inpainting condition, mask and masked latents, of two holes a picture (2, N, 5, h, w).
    """

    latents: Tensor
    ears: Tensor
    tokens: Tensor
    holes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.latents)


def new_unet(latent_size: int) -> UNet2DConditionModel:
    """An untrained U-Net of Stable Diffusion 1.5's kind; every residual branch starts at zero.

    Zero ends: Dhariwal & Nichol 2021, "Diffusion Models Beat GANs on Image Synthesis", section 3.
    """
    attention = len(CHANNELS) - 1
    unet = UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * attention,
        up_block_types=("CrossAttnUpBlock2D",) * attention + ("UpBlock2D",),
        block_out_channels=CHANNELS,
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=HEADS,
        norm_num_groups=NORM_GROUPS,
    )
    for name, module in unet.named_modules():
        if name.endswith(("conv2", "to_out.0", "ff.net.2", "conv_out")):
            torch.nn.init.zeros_(module.weight)
            torch.nn.init.zeros_(module.bias)
    return unet


def widened(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """`unet` with 9 input channels; the five new ones (mask, masked latents) start without effect."""
    wide = UNet2DConditionModel.from_config({**unet.config, "in_channels": 2 * LATENT_CHANNELS + 1})
    weights = dict(unet.state_dict())
    weights["conv_in.weight"] = torch.zeros_like(wide.conv_in.weight)
    weights["conv_in.weight"][:, :LATENT_CHANNELS] = unet.conv_in.weight.detach()
    wide.load_state_dict(weights)
    return wide


def prepare(
    drawings: Drawings, vae: AutoencoderKL, tokenizer: CLIPTokenizer, holes_seed: int | None = None
) -> Corpus:
    """Encode drawings and captions; with `holes_seed` also an ear hole and a random hole for each picture."""
    factor = vae.config.scaling_factor
    latents = encode(vae, to_tensor(drawings.pictures)) * factor
    ears = F.interpolate(mask_to_tensor(drawings.masks), latents.shape[-2:], mode="area")
    captions = (drawings.full_captions, drawings.short_captions)
    tokens = torch.stack([token_ids(tokenizer, texts) for texts in captions])
    if holes_seed is None:
        return Corpus(latents, ears, tokens)
    rng = np.random.default_rng(holes_seed)
    conditions = [_hole_conditions(drawings, vae, rng, ear) for ear in (True, False)]
    return Corpus(latents, ears, tokens, torch.stack(conditions))


def train_text_to_image(
    corpus: Corpus, validation: Corpus, tokenizer: CLIPTokenizer, steps: int, seed: int, out: Path
) -> dict[str, object]:
    """Train a U-Net on `out/text_encoder`, which stays as it is; saves `out/unet`, returns the record."""
    torch.manual_seed(seed)
    unet = new_unet(corpus.latents.shape[-1])
    loop = _Loop("unet", unet, *_text(tokenizer, out), LEARNING_RATE)
    return loop.run(corpus, validation, steps, seed, lambda: unet.save_pretrained(out / "unet"))


def train_inpainting(
    corpus: Corpus, validation: Corpus, tokenizer: CLIPTokenizer, steps: int, seed: int, out: Path
) -> dict[str, object]:
    """Train a 9-channel U-Net from `out/unet` on `out/text_encoder`; saves `out/unet_inpaint`."""
    torch.manual_seed(seed)
    unet = widened(UNet2DConditionModel.from_pretrained(out / "unet"))
    loop = _Loop("unet_inpaint", unet, *_text(tokenizer, out), INPAINT_LEARNING_RATE)
    return loop.run(corpus, validation, steps, seed, lambda: unet.save_pretrained(out / "unet_inpaint"))


@dataclass
class _Loop:
    """One training run of a U-Net: what is trained, and on what terms."""

    name: str
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    empty: Tensor
    peak: float

    def run(
        self, corpus: Corpus, validation: Corpus, steps: int, seed: int, save: Callable[[], None]
    ) -> dict[str, object]:
        """Train for `steps`; `save` is called with the averaged weights in place."""
        rng = np.random.default_rng(seed)
        parameters = list(self.unet.parameters())
        average = Average(parameters)
        optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.99), weight_decay=1e-2, fused=True)
        scheduler = DDPMScheduler(**NOISE)

        def measure() -> dict[str, float]:
            with average:
                return {"validation_loss": self.validation_loss(validation, scheduler, seed)}

        reporter = Reporter(self.name, steps, REPORT_EVERY, measure)
        for step in range(1, steps + 1):
            optimizer.param_groups[0]["lr"] = learning_rate(step, steps, self.peak)
            index = torch.from_numpy(rng.integers(0, len(corpus), BATCH))
            weighted, plain = self.losses(corpus, index, scheduler)
            optimizer.zero_grad()
            weighted.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            average.update(step)
            if reporter.due(step, plain.item()):
                with average:
                    save()
        return {"steps": steps, "batch": BATCH, "learning_rate": self.peak, "history": reporter.history}

    def losses(self, corpus: Corpus, index: Tensor, scheduler: DDPMScheduler) -> tuple[Tensor, Tensor]:
        """The loss to minimise (min-SNR, Hang et al. 2023, eq. 8, ears weighted) and the plain noise MSE."""
        latents, noise = corpus.latents[index], torch.randn(len(index), *corpus.latents.shape[1:])
        timesteps = torch.randint(0, scheduler.config.num_train_timesteps, (len(index),))
        tokens = corpus.tokens[torch.randint(0, 2, (len(index),)), index]
        tokens = torch.where(torch.rand(len(index), 1) < NO_CAPTION, self.empty, tokens)
        holes, weight = None, 1 + EAR_WEIGHT * corpus.ears[index]
        if corpus.holes is not None:
            holes = corpus.holes[torch.randint(0, 2, (len(index),)), index]
            weight = weight + EAR_WEIGHT * holes[:, :1]
        noisy = scheduler.add_noise(latents, noise, timesteps)
        square = (self.predict(noisy, timesteps, tokens, holes) - noise) ** 2
        weighted = (square * weight).mean((1, 2, 3)) * min_snr_weight(scheduler, timesteps)
        return weighted.mean(), square.mean().detach()

    def predict(self, noisy: Tensor, timesteps: Tensor, tokens: Tensor, holes: Tensor | None) -> Tensor:
        """The U-Net's noise, (B, 4, h, w)."""
        sample = noisy if holes is None else torch.cat([noisy, holes], 1)
        return self.unet(sample, timesteps, self.text_encoder(tokens)[0]).sample

    @torch.no_grad()
    def validation_loss(self, validation: Corpus, scheduler: DDPMScheduler, seed: int) -> float:
        """Noise MSE on held-out drawings with full captions, always at the same timesteps and noise."""
        noise = torch.randn(validation.latents.shape, generator=torch.Generator().manual_seed(seed))
        timesteps = torch.linspace(20, 980, len(validation)).long()
        noisy = scheduler.add_noise(validation.latents, noise, timesteps)
        holes = None if validation.holes is None else validation.holes[0]
        return F.mse_loss(self.predict(noisy, timesteps, validation.tokens[0], holes), noise).item()


def min_snr_weight(scheduler: DDPMScheduler, timesteps: Tensor) -> Tensor:
    """min(SNR, gamma) / SNR for noise prediction, (B,)."""
    kept = scheduler.alphas_cumprod[timesteps]
    snr = kept / (1 - kept)
    return snr.clamp(max=SNR_GAMMA) / snr


def _text(tokenizer: CLIPTokenizer, out: Path) -> tuple[CLIPTextModel, Tensor]:
    """The trained text encoder, fixed, and the tokens (77) of an empty caption."""
    encoder = CLIPTextModel.from_pretrained(out / "text_encoder").requires_grad_(False)
    return encoder, token_ids(tokenizer, [""])[0]


def save_scheduler(out: Path) -> None:
    """The sampler that the pipelines start with: Euler ancestral on Stable Diffusion's schedule."""
    EulerAncestralDiscreteScheduler(**NOISE).save_pretrained(out / "scheduler")


def _hole_conditions(drawings: Drawings, vae: AutoencoderKL, rng: np.random.Generator, ear: bool) -> Tensor:
    """Mask and masked latents (N, 5, h, w), made as StableDiffusionInpaintPipeline makes them."""
    masks = np.stack([hole(mask, rng, ear) for mask in drawings.masks])
    wide = mask_to_tensor(masks)
    masked = encode(vae, to_tensor(drawings.pictures) * (wide < 0.5)) * vae.config.scaling_factor
    return torch.cat([F.interpolate(wide, masked.shape[-2:]), masked], 1)
