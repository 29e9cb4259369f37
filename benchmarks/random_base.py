"""Random SD 1.5 bases of any width in one file, with the tokenizer and the sizes that trainers need.

Speed and memory do not hang on what weights say, so a random base measures as a real one of its size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.models import make_tokenizer
from tests.sd_scripts.harness import Base, make_base

REAL_WIDTH = 320
_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def random_base(width: int, channels: int, folder: Path, seed: int = 0) -> Base:
    """A base whose first U-Net block has ``width`` channels (320 is SD 1.5 itself; a multiple of 32).

    VAE and text encoder are narrowed in proportion. ``channels`` is 4, or 9 for an inpaint base.
    """
    import torch

    torch.manual_seed(seed)
    name = f"sd15-{width}-{channels}"
    pipeline = _pipeline(width, channels, folder / name)
    pipeline.save_pretrained(folder / name)
    return make_base(folder / name, folder / f"{name}-single")


def _pipeline(width: int, channels: int, folder: Path) -> Any:
    from diffusers import (
        PNDMScheduler,
        StableDiffusionInpaintPipeline,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )

    text_width = max(64, round(768 * width / REAL_WIDTH / 64) * 64)
    unet = UNet2DConditionModel(
        sample_size=64,
        in_channels=channels,
        block_out_channels=(width, 2 * width, 4 * width, 4 * width),
        cross_attention_dim=text_width,
        attention_head_dim=8,
    )
    pipeline_class = StableDiffusionInpaintPipeline if channels == 9 else StableDiffusionPipeline
    return pipeline_class(
        vae=_vae(max(32, round(128 * width / REAL_WIDTH / 32) * 32)),
        text_encoder=_text_encoder(text_width),
        tokenizer=make_tokenizer(folder / "tokenizer"),
        unet=unet,
        scheduler=PNDMScheduler(**_BETAS, skip_prk_steps=True, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _vae(width: int) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(width, 2 * width, 4 * width, 4 * width),
        layers_per_block=2,
        latent_channels=4,
        scaling_factor=0.18215,
    )


def _text_encoder(width: int) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=514,
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=12,
            num_attention_heads=width // 64,
            projection_dim=width,
            hidden_act="quick_gelu",
            max_position_embeddings=77,
            bos_token_id=512,
            eos_token_id=513,
            pad_token_id=513,
        )
    )
