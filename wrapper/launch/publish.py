"""A verified LoRA at its public place."""

from __future__ import annotations

import shutil
from pathlib import Path

from dataset_tools.files import whole_file
from wrapper.safetensors_header import read_header


def publish(made: Path, published: Path, steps: int) -> None:
    """Put the LoRA at its public place, whole; the run keeps its own.

    The file of a resumed run says what the trainer counted since; the published one says ``steps``.
    """
    told = read_header(made).metadata.get("ss_steps")
    if told not in (None, str(steps)):
        _say_steps(made, published, steps)
        return
    with whole_file(published) as temporary:
        shutil.copyfile(made, temporary)


def _say_steps(made: Path, published: Path, steps: int) -> None:
    from wrapper.lora.file import read_lora, write_lora

    lora = read_lora(made)
    write_lora(published, lora.tensors, {**lora.metadata, "ss_steps": str(steps)})
