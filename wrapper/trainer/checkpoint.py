"""Kohya LoRA files of a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import torch

from dataset_tools.errors import RunFailed
from wrapper.lora.file import write_lora
from wrapper.trainer.network import Network, all_finite

PRECISIONS = {None: None, "float": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def save_checkpoint(
    path: Path, network: Network, metadata: Mapping[str, str], precision: str | None, step: int, epoch: int
) -> None:
    """Write the LoRA as it is after ``step`` steps, whole or not at all.

    Raises `RunFailed` when a weight is not finite: such a file is never written.
    """
    tensors = network.tensors()
    dtype = PRECISIONS[precision]
    if dtype is not None:
        tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    if not all_finite(tensors.values()):
        raise RunFailed(
            f"The LoRA has weights that are not finite after step {step}; {path.name} was not written.",
            "Lower the learning rate.",
        )
    progress = {"ss_steps": step, "ss_epoch": epoch, "ss_training_finished_at": time.time()}
    write_lora(path, tensors, {**metadata, **{name: str(value) for name, value in progress.items()}})
