"""The size that a base model draws at by itself, without loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wrapper.base_model.architecture import read_configs

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo


def base_side_px(info: BaseInfo) -> int:
    """512 for SD 1.5, 1024 for SDXL: the U-Net's side in latents × the VAE's halvings."""
    configs = read_configs(info)
    halvings = len(configs.vae["block_out_channels"]) - 1
    return int(configs.unet["sample_size"]) * 2**halvings
