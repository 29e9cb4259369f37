"""A tiny random Segment Anything model, saved as its users save theirs."""

from __future__ import annotations

from pathlib import Path


def make_tiny_sam(folder: Path) -> Path:
    """Write the model and its processor into ``folder`` and return it."""
    import torch
    from transformers import SamConfig, SamImageProcessor, SamModel, SamProcessor

    torch.manual_seed(0)
    vision = {
        "hidden_size": 16,
        "output_channels": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 64,
        "patch_size": 8,
        "global_attn_indexes": [0],
        "num_pos_feats": 4,
        "mlp_dim": 16,
    }
    prompt = {"hidden_size": 8, "image_size": 64, "patch_size": 8, "mask_input_channels": 4}
    prompt |= {"image_embedding_size": 8}
    decoder = {"hidden_size": 8, "mlp_dim": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    decoder |= {"iou_head_hidden_dim": 8, "iou_head_depth": 2}
    config = SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    SamModel(config).save_pretrained(folder)
    SamProcessor(
        SamImageProcessor(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    ).save_pretrained(folder)
    return folder
