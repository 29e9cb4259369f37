"""The LoRA that a path stands for: a file of any spelling, or a folder as PEFT and diffusers write it."""

from __future__ import annotations

from pathlib import Path

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind
from wrapper.lora.file import Lora
from wrapper.lora.spellings.read import AnyLora, read_any
from wrapper.lora.spellings.write import FOLDERS

PEFT_FILE, DIFFUSERS_FILE = "adapter_model.safetensors", "pytorch_lora_weights.safetensors"
MODELS = tuple(dict.fromkeys(FOLDERS.values()))
"""Folders of a PEFT LoRA, one for each model: ``unet``, ``text_encoder``, ``text_encoder_2``."""


def read_given(path: Path, kind: Kind | None = None) -> AnyLora:
    """Read the LoRA at ``path``. ``kind`` is taken where it does not tell what base it is for.

    Raises `UserError` as `read_any` does, and for a folder without a LoRA in it.
    """
    files = lora_files(path)
    if len(files) == 1:
        return read_any(files[0], kind)
    first = read_any(files[0], kind)
    return _joined([first, *(read_any(file, first.kind) for file in files[1:])])


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


def _joined(parts: list[AnyLora]) -> AnyLora:
    tensors = {name: tensor for part in parts for name, tensor in part.lora.tensors.items()}
    metadata = {key: value for part in parts for key, value in part.lora.metadata.items()}
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return AnyLora(Lora(tensors, metadata), parts[0].spelling, parts[0].kind, notes)
