"""Tiny random base models of the real architectures, made on the spot: seconds, not gigabytes.

Channels are multiples of 32, because the group norms of a single file always have 32 groups.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

Kind = Literal["sd15", "sdxl"]
KINDS: tuple[Kind, ...] = ("sd15", "sdxl")
LATENT_FACTOR = 8
"""Image pixels a latent: every tiny VAE halves three times, as the real ones do."""

_BLOCKS = (32, 32, 64, 64)
_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def make_tiny(kind: Kind, inpaint: bool, folder: Path, seed: int = 0) -> Path:
    """Write a random diffusers folder of ``kind`` (9 U-Net channels for ``inpaint``) and return it.

    Loads as `StableDiffusion[XL][Inpaint]Pipeline` without a hub. Equal arguments give equal weights.
    """
    import torch
    from transformers.utils import logging

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    logging.disable_progress_bar()
    pipeline = _sdxl(inpaint, folder) if kind == "sdxl" else _sd15(inpaint, folder)
    pipeline.save_pretrained(folder)
    return folder


def make_tokenizer(folder: Path, pad: str = "<|endoftext|>") -> Any:
    """A CLIP tokenizer that knows single bytes only: 514 tokens, no merges."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = _byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return CLIPTokenizer.from_pretrained(folder, pad_token=pad, model_max_length=77)


def _byte_letters() -> list[str]:
    """The 256 letters that byte-level BPE writes bytes with, ``!`` first."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(hidden))]


def _sd15(inpaint: bool, folder: Path) -> Any:
    from diffusers import (
        PNDMScheduler,
        StableDiffusionInpaintPipeline,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )

    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=9 if inpaint else 4,
        block_out_channels=_BLOCKS,
        cross_attention_dim=64,
        attention_head_dim=8,
    )
    pipeline_class = StableDiffusionInpaintPipeline if inpaint else StableDiffusionPipeline
    return pipeline_class(
        vae=_vae(0.18215),
        text_encoder=_text_encoder(64, 64, projected=False),
        tokenizer=make_tokenizer(folder / "tokenizer"),
        unet=unet,
        scheduler=PNDMScheduler(**_BETAS, skip_prk_steps=True, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl(inpaint: bool, folder: Path) -> Any:
    from diffusers import (
        EulerDiscreteScheduler,
        StableDiffusionXLInpaintPipeline,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )

    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=9 if inpaint else 4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 64, 128),
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(1, 1, 2),
        cross_attention_dim=64 + 128,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,  # sd-scripts knows no other
        projection_class_embeddings_input_dim=6 * 256 + 128,
    )
    pipeline_class = StableDiffusionXLInpaintPipeline if inpaint else StableDiffusionXLPipeline
    return pipeline_class(
        vae=_vae(0.13025),
        text_encoder=_text_encoder(64, 64, projected=False, layers=12),  # sd-scripts takes the 11th's output
        text_encoder_2=_text_encoder(128, 128, projected=True),
        tokenizer=make_tokenizer(folder / "tokenizer"),
        tokenizer_2=make_tokenizer(folder / "tokenizer_2", pad="!"),
        unet=unet,
        scheduler=EulerDiscreteScheduler(**_BETAS, steps_offset=1),
        add_watermarker=False,
    )


def _vae(scaling_factor: float) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 32, 32, 64),
        layers_per_block=2,
        latent_channels=4,
        sample_size=64,
        scaling_factor=scaling_factor,
    )


def _text_encoder(hidden: int, projection: int, *, projected: bool, layers: int = 3) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        projection_dim=projection,
        hidden_act="gelu" if projected else "quick_gelu",
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=0 if projected else 513,
    )
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)
