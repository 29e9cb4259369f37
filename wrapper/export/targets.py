"""What each program wants, and where it looks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind

TargetName = Literal["a1111", "forge", "comfyui", "diffusers", "folder"]
Use = Literal["txt2img", "inpaint"]
Precision = Literal["fp16", "bf16", "fp32"]


@dataclass(frozen=True)
class Target:
    """Where files go: ``lora_folder`` lies below the program's own folder, empty for that folder itself.

    ``installed`` are files and folders that only the installed program has.
    """

    title: str
    lora_folder: str = ""
    installed: tuple[str, ...] = ()


_WEBUI = ("webui.py", "launch.py", "extensions-builtin", "models/Stable-diffusion")
_COMFYUI = ("folder_paths.py", "custom_nodes", "models/checkpoints")
TARGETS: Mapping[TargetName, Target] = {
    "a1111": Target("AUTOMATIC1111", "models/Lora", _WEBUI),
    "forge": Target("Forge", "models/Lora", _WEBUI),
    "comfyui": Target("ComfyUI", "models/loras", _COMFYUI),
    "diffusers": Target("diffusers"),
    "folder": Target("a folder"),
}
WEBUIS: tuple[TargetName, ...] = ("a1111", "forge")
"""The programs that call a LoRA by its base name and read ``NAME.json``."""
WORKFLOW_FOLDER = "user/default/workflows"
"""Where ComfyUI's editor lists workflows."""
API_FOLDER = "user/default/workflows_api"
"""The same graphs in the form that ``POST /prompt`` takes."""
INPUT_FOLDER = "input"

CHECKPOINTS: Mapping[tuple[Kind, Use], str] = {
    ("sd15", "txt2img"): "v1-5-pruned-emaonly.safetensors",
    ("sd15", "inpaint"): "sd-v1-5-inpainting.safetensors",
    ("sdxl", "txt2img"): "sd_xl_base_1.0.safetensors",
    ("sdxl", "inpaint"): "sd_xl_inpainting_0.1.safetensors",
}
"""What the workflows name when the base is not a single file; the user picks their own there."""
A1111_VERSIONS: Mapping[Kind, str] = {"sd15": "SD1", "sdxl": "SDXL"}
TITLES: Mapping[Kind, str] = {"sd15": "Stable Diffusion 1.5", "sdxl": "Stable Diffusion XL"}
SIZES_PX: Mapping[Kind, int] = {"sd15": 512, "sdxl": 1024}


def check_targets(names: Iterable[str]) -> tuple[TargetName, ...]:
    """The targets, each once, in the order asked for; raises `UserError` when there is none."""
    wanted = tuple(name for name in dict.fromkeys(names) if name in TARGETS)
    if not wanted:
        raise UserError("No target to export to.", f"Give --to with one of {', '.join(TARGETS)}.")
    return wanted  # type: ignore[return-value]
