"""A small random CLIP in a folder, as transformers saves one."""

from __future__ import annotations

from pathlib import Path

from tests.models import make_tokenizer

IMAGE_SIDE = 32


def write_small_clip(folder: Path) -> Path:
    """Write model and tokenizer; equal every time."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(3)
    common = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**common, "vocab_size": 514, "bos_token_id": 512, "eos_token_id": 513, "pad_token_id": 513}
    vision = {**common, "image_size": IMAGE_SIDE, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    make_tokenizer(folder).save_pretrained(folder)
    return folder
