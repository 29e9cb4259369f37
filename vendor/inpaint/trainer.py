"""What an inpainting U-Net changes in sd-scripts' trainers: what is loaded, seen and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from inpaint.base import SEEN, BaseModel
from inpaint.channels import input_channels, widen
from inpaint.encode import encode_now, shrink_hole
from inpaint.refusal import RefusedError
from inpaint.samples import Sampler


class Inpainting:
    """Mixed in before ``NetworkTrainer`` or ``SdxlNetworkTrainer``."""

    base: BaseModel
    unet_module: ModuleType
    masked_loss: bool
    dataset_class: type
    vae_in_use: Any = None
    weight_dtype: torch.dtype
    scenes: Any = None

    def get_latents_caching_strategy(self, args: Any) -> None:
        """None: sd-scripts' own cache files beside the pictures are neither read nor written."""

    def assert_extra_args(self, args: Any, dataset_group: Any, *rest: Any) -> None:
        """The datasets are read: from here on ``masked_loss`` means what the user set."""
        args.masked_loss = self.masked_loss
        if not all(isinstance(dataset, self.dataset_class) for dataset in dataset_group.datasets):
            raise RefusedError(
                "every [[datasets.subsets]] needs a conditioning_data_dir, the folder of its masks."
            )
        self.scenes = dataset_group.datasets
        super().assert_extra_args(args, dataset_group, *rest)  # type: ignore[misc]

    def load_target_model(self, args: Any, weight_dtype: torch.dtype, *rest: Any) -> tuple[Any, ...]:
        with input_channels(self.unet_module, self.base.channels):
            loaded = super().load_target_model(args, weight_dtype, *rest)  # type: ignore[misc]
        _, _, vae, unet = loaded
        self.vae_in_use, self.weight_dtype = vae, weight_dtype
        if self.base.channels < SEEN:
            widen(unet)
        return loaded

    def call_unet(
        self,
        args: Any,
        accelerator: Any,
        unet: Any,
        noisy_latents: Tensor,
        timesteps: Tensor,
        text_conds: Any,
        batch: Mapping[str, Any],
        weight_dtype: torch.dtype,
        *rest: Any,
        **more: Any,
    ) -> Tensor:
        """The noise prediction [B, 4, h, w], of noisy latents, mask and masked image [B, 9, h, w]."""
        seen = torch.cat([noisy_latents, self.condition(args, batch, noisy_latents)], dim=1)
        return super().call_unet(  # type: ignore[misc]
            args, accelerator, unet, seen, timesteps, text_conds, batch, weight_dtype, *rest, **more
        )

    def condition(self, args: Any, batch: Mapping[str, Any], latents: Tensor) -> Tensor:
        """[B, 5, h, w] like ``latents``: the hole, then the scaled latents of the picture without it."""
        hole = batch["inpaint_hole"].to(latents.device)
        shown = batch.get("inpaint_shown")
        if shown is None:
            pixels = batch["images"].to(latents.device) * (1 - hole)
            shown = encode_now(self.vae_in_use, pixels, args.vae_batch_size or len(pixels))
        scaled = shown.to(latents.device) * self.vae_scale_factor  # type: ignore[attr-defined]
        return torch.cat([shrink_hole(hole, latents.shape[-2:]), scaled], dim=1).to(latents.dtype)

    def sample_images(
        self,
        accelerator: Any,
        args: Any,
        epoch: int | None,
        global_step: int,
        device: Any,
        vae: Any,
        tokenizers: Any,
        text_encoders: Any,
        unet: Any,
        *rest: Any,
        **more: Any,
    ) -> None:
        """Repaint scenes of the training set instead of drawing pictures from nothing."""
        sampler = Sampler(self, args, accelerator, vae, tokenizers, text_encoders, unet)
        sampler.draw_if_due(epoch, global_step)
