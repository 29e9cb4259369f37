"""A LoRA file of one module, written by hand: the fake trainer needs no torch."""

from __future__ import annotations

import json
import struct

MODULE = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"


def lora_bytes(steps: int | None, value: float = 0.5, rank: int = 2) -> bytes:
    """A safetensors container; without ``steps`` it has no metadata.

    ``value`` fills the tensors: 0.0 and nan are bad ones.
    """
    shapes = {"alpha": [], "lora_down.weight": [rank, 8], "lora_up.weight": [8, rank]}
    header, data = {}, b""
    for part, shape in shapes.items():
        count = shape[0] * shape[1] if shape else 1
        packed = struct.pack(f"<{count}f", *([value if shape else 1.0] * count))
        header[f"{MODULE}.{part}"] = {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(packed)],
        }
        data += packed
    metadata = {} if steps is None else {"ss_steps": str(steps), "ss_network_dim": str(rank)}
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    return struct.pack("<Q", len(text)) + text + data
