"""A random BLIP of a few kilobytes, saved as its library saves one."""

from __future__ import annotations

from pathlib import Path

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", *(f"word{index}" for index in range(26))]


def make_blip(folder: Path, seed: int = 0) -> Path:
    """``folder``, with the weights of ``seed``."""
    import torch
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    folder.mkdir(parents=True)
    words = folder / "vocab.txt"
    words.write_text("\n".join(WORDS))
    text = {"vocab_size": 32, "hidden_size": 8, "encoder_hidden_size": 8, "intermediate_size": 8}
    text |= {"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64}
    text |= {"projection_dim": 8, "bos_token_id": 5, "sep_token_id": 3, "eos_token_id": 3, "pad_token_id": 0}
    vision = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision |= {"image_size": 32, "patch_size": 8, "projection_dim": 8}
    torch.manual_seed(seed)
    config = BlipConfig(text_config=text, vision_config=vision, projection_dim=8)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    processor = BlipImageProcessor(size={"height": 32, "width": 32})
    BlipProcessor(processor, BertTokenizer(str(words))).save_pretrained(folder)
    return folder
