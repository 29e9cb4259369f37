"""A real LoRA file for the tiny random SD 1.5 bases: a few modules, strong enough to be seen."""

from __future__ import annotations

from pathlib import Path

CHANNELS, TEXT_CHANNELS, RANK = 32, 64, 4
UNET_MODULE = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0"
TEXT_MODULE = "lora_te_text_model_encoder_layers_0_self_attn_out_proj"


def write_small_lora(path: Path, *, seed: int = 0, strength: float = 1.0, text: bool = True) -> Path:
    """Write a LoRA of one U-Net module and, with ``text``, one text encoder module."""
    import torch

    from wrapper.lora.file import write_lora

    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for module, channels in {UNET_MODULE: CHANNELS, TEXT_MODULE: TEXT_CHANNELS}.items():
        if module == UNET_MODULE or text:
            tensors[f"{module}.lora_down.weight"] = torch.randn(RANK, channels, generator=random)
            tensors[f"{module}.lora_up.weight"] = strength * torch.randn(channels, RANK, generator=random)
            tensors[f"{module}.alpha"] = torch.tensor(float(RANK))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lora(path, tensors, {"ss_output_name": path.stem})
    return path
