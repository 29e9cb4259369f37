"""What A1111 and ComfyUI want, and where they look for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dataset_tools.errors import UserError
from wrapper.base_model.kinds import Kind

TargetName = Literal["a1111", "comfyui"]
Use = Literal["txt2img", "inpaint"]


@dataclass(frozen=True)
class Target:
    """A program: ``lora_folder`` is where its LoRA files lie, below its own folder."""

    title: str
    lora_folder: str


TARGETS: Mapping[TargetName, Target] = {
    "a1111": Target("AUTOMATIC1111", "models/Lora"),
    "comfyui": Target("ComfyUI", "models/loras"),
}
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
BASE_VERSIONS: Mapping[Kind, str] = {"sd15": "sd_v1", "sdxl": "sdxl_base_v1-0"}
ARCHITECTURES: Mapping[Kind, str] = {
    "sd15": "stable-diffusion-v1/lora",
    "sdxl": "stable-diffusion-xl-v1-base/lora",
}


def check_targets(names: tuple[str, ...] | list[str]) -> tuple[TargetName, ...]:
    """The targets, each once; raises `UserError` when there is none."""
    if not names:
        raise UserError("No target to export to.", "Give --to a1111 or --to comfyui (or both).")
    return tuple(name for name in TARGETS if name in names)
