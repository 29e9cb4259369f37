"""What a project says about inpainting: its LoRA, and its [inpaint] table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from wrapper.diffusion.inpainting.inpaint import InpaintSettings
from wrapper.diffusion.pipelines.sampling import Sampling
from wrapper.project.layout import STAGES
from wrapper.project.load import DEFAULT

if TYPE_CHECKING:
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project


def project_inpaint_lora(project: Project) -> LoraUse:
    """The LoRA to inpaint with: Stage B's, else Stage A's. Raises `UserError` without one."""
    from wrapper.lora.apply import LoraUse

    name = project.settings.project.name
    for stage in reversed(STAGES):
        path = project.paths.lora(stage, name)
        if path.is_file():
            return LoraUse(path, project.settings.inpaint.lora_weight)
    raise UserError(f"{project.paths.loras}: no trained LoRA '{name}'.", "Run 'lorawrap train' first.")


def project_inpaint_settings(project: Project) -> InpaintSettings:
    """The [inpaint] table; work size and padding that it does not name follow the base and the crops."""
    table = project.settings.inpaint

    def named(key: str, value: int) -> int | None:
        return None if project.origin(f"inpaint.{key}") == DEFAULT else value

    return InpaintSettings(
        Sampling(table.sampler, table.steps, table.cfg, table.strength),
        table.mask_blur_px,
        named("padding_px", table.padding_px),
        project.settings.crop.context,
        named("work_size", table.work_size),
    )
