"""The LoRA files that an inference notebook finds, and what to write for them in a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import UserError
from dataset_tools.system.left_by_systems import visible
from wrapper.notebook.places import Places, find
from wrapper.notebook.stop import Stop

SUFFIX = ".safetensors"
_STAGE_B = "_stage_b"


@dataclass(frozen=True)
class LoraFile:
    """``tag`` is what goes into a prompt."""

    path: Path
    what: str

    @property
    def tag(self) -> str:
        return f"<lora:{self.path.stem}:1.0>"


def lora_folder(places: Places, given: str) -> Path:
    """The given folder, else where the project's training put its LoRAs. Raises `Stop`."""
    if given:
        there = find(given, places.folder, places.root, places.root.parent)
        if there is None or not there.is_dir():
            raise Stop(f"lora_folder: there is no folder '{given}'.", "Give the LoRA's folder.")
        return there
    return places.output if any(visible(places.output.glob(f"*{SUFFIX}"))) else places.job.loras


def loras_in(folder: Path) -> list[LoraFile]:
    """Every LoRA file that lies in ``folder``, by name."""
    return [LoraFile(path, _what(path)) for path in sorted(visible(folder.glob(f"*{SUFFIX}")))]


def for_drawing(files: list[LoraFile]) -> list[LoraFile]:
    """Those that were made for pictures from text come first; one for inpainting draws, too."""
    return sorted(files, key=lambda one: one.path.stem.endswith(_STAGE_B))


def for_painting(files: list[LoraFile]) -> list[LoraFile]:
    """Those that were made for inpainting come first."""
    return sorted(files, key=lambda one: not one.path.stem.endswith(_STAGE_B))


def _what(path: Path) -> str:
    from wrapper.safetensors_header import read_header

    try:
        header = read_header(path)
    except UserError as error:
        return error.message
    said = header.metadata.get("modelspec.architecture", "architecture unknown")
    return f"{said}, {len(header.tensors)} tensors"
