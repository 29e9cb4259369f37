"""One training step's loss: everything random in it comes from the seed and the batch's number."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wrapper.trainer.config import Settings
from wrapper.trainer.data.batches import Batch, mix
from wrapper.trainer.latents import Encoder, Row
from wrapper.trainer.loss import Noising, add_noise, draw_noise, draw_timesteps, min_snr_weight, step_loss
from wrapper.trainer.model import Model
from wrapper.trainer.text import FrozenText, encode


@dataclass(frozen=True)
class Stepper:
    """What every batch's loss is made with. ``frozen_text`` is None when a text encoder learns."""

    model: Model
    settings: Settings
    encoder: Encoder
    frozen_text: FrozenText | None
    seed: int
    autocast: Callable[[], AbstractContextManager[Any]]

    def loss(self, batch: Batch, number: int) -> Tensor:
        """The loss of ``batch``, the ``number``-th since the start of training."""
        torch.manual_seed(mix(self.seed, "dropout", number))
        row = self.encoder.batch(batch, mix(self.seed, "vae", number))
        noising = self.noise(row["latents"], number)
        with self.autocast():
            predicted = predict(self.model, noising, row, self._text(batch))
        settings = self.settings
        prior = settings.prior_loss_weight
        weights = torch.tensor([prior if sight.picture.is_reg else 1.0 for sight in batch])
        gamma = settings.min_snr_gamma
        return step_loss(
            predicted,
            noising.noise,
            mask=row["mask"] if settings.masked_loss else None,
            normalize=settings.masked_loss_normalize,
            weights=weights.to(predicted.device),
            snr_weights=min_snr_weight(self.model.alphas_cumprod, noising.timesteps, gamma)
            if gamma
            else None,
        )

    def noise(self, latents: Tensor, number: int) -> Noising:
        """The batch's noise and timesteps."""
        settings, schedule = self.settings, self.model.alphas_cumprod
        generator = torch.Generator().manual_seed(mix(self.seed, "noise", number))
        noise = draw_noise(
            latents,
            generator,
            settings.noise_offset or 0.0,
            random_offset=settings.noise_offset_random_strength,
        )
        low, high = settings.min_timestep or 0, settings.max_timestep or len(schedule)
        timesteps = draw_timesteps(len(latents), generator, low, high).to(latents.device)
        return add_noise(latents, noise, schedule, timesteps)

    def _text(self, batch: Batch) -> dict[str, Tensor]:
        captions = [sight.caption for sight in batch]
        if self.frozen_text is not None:
            return self.frozen_text.encode(captions)
        return encode(self.model, captions, self.settings.clip_skip)


def predict(model: Model, noising: Noising, row: Row, text: dict[str, Tensor]) -> Tensor:
    """The U-Net's noise prediction [B, 4, h, w]; inpainting bases also see mask and masked latents."""
    seen = torch.cat([noising.noisy, row["masked"]], dim=1) if model.info.inpaint else noising.noisy
    added = None
    if model.info.kind == "sdxl":
        added = {"text_embeds": text["pooled"].to(model.dtype), "time_ids": row["time_ids"].to(model.dtype)}
    return model.unet(
        seen.to(model.dtype),
        noising.timesteps,
        text["hidden"].to(model.dtype),
        added_cond_kwargs=added,
        return_dict=False,
    )[0]
