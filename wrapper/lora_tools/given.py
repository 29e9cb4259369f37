"""The LoRA that a path stands for: a file of any spelling, or a folder as PEFT and diffusers write it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind
from wrapper.lora.spellings.read import OpenLora, open_any
from wrapper.lora.spellings.write import FOLDERS

PEFT_FILE, DIFFUSERS_FILE = "adapter_model.safetensors", "pytorch_lora_weights.safetensors"
MODELS = tuple(dict.fromkeys(FOLDERS.values()))
"""Folders of a PEFT LoRA, one for each model: ``unet``, ``text_encoder``, ``text_encoder_2``."""


@contextmanager
def open_given(path: Path, kind: Kind | None = None) -> Iterator[OpenLora]:
    """Open the LoRA at ``path``. ``kind`` is taken where it does not tell what base it is for.

    Raises `UserError` as `read_any` does, and for a folder without a LoRA in it.
    """
    first, *others = lora_files(path)
    with ExitStack() as stack:
        opened = stack.enter_context(open_any(first, kind))
        yield _joined([opened, *(stack.enter_context(open_any(file, opened.kind)) for file in others)])


def lora_files(path: Path) -> list[Path]:
    """The file itself, or those in a folder; several are the adapters of one LoRA, the U-Net's first."""
    if not path.is_dir():
        return [path]
    for name in (DIFFUSERS_FILE, PEFT_FILE):
        if (path / name).is_file():
            return [path / name]
    found = [path / model / PEFT_FILE for model in MODELS if (path / model / PEFT_FILE).is_file()]
    if not found:
        raise UserError(
            f"{path}: is a folder without a LoRA of diffusers or PEFT in it.",
            f"Give a .safetensors file, or a folder with {DIFFUSERS_FILE} or {PEFT_FILE} in it.",
        )
    return found


def _joined(parts: list[OpenLora]) -> OpenLora:
    metadata = {key: value for part in parts for key, value in part.metadata.items()}
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    modules = ChainMap(*(part.modules() for part in parts))
    return OpenLora(metadata, parts[0].spelling, parts[0].kind, notes, modules)
