"""Inpainting from files to a file: the photograph's size, colour profile and EXIF are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError
from dataset_tools.files import check_place
from wrapper.diffusion.inpainting.inpaint import InpaintSettings, inpaint
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.infotext import PROGRAM
from wrapper.diffusion.pictures.photograph import Photograph, read_photograph
from wrapper.diffusion.pictures.picture import check_picture_name, read_parameters, save_picture
from wrapper.diffusion.pipelines.opening import check_lora_files
from wrapper.diffusion.pipelines.sampling import Prompt, Sampling
from wrapper.project.layout import STAGES
from wrapper.project.load import DEFAULT

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project


@dataclass(frozen=True)
class InpaintFile:
    """One photograph to repaint. ``out`` names the format: PNG, lossless WebP or JPEG."""

    image: Path
    mask: Path
    out: Path
    prompt: Prompt
    settings: InpaintSettings
    loras: tuple[LoraUse, ...] = ()


def inpaint_file(info: BaseInfo, job: InpaintFile) -> float:
    """Do ``job`` with the base ``info``; returns the share of pixels that changed.

    Raises `UserError` for files that are no images, a mask that does not fit, and an ``out`` that would
    overwrite a file that this program has not made.
    """
    from dataset_tools.pictures.images import read_mask

    check_out(job)
    check_lora_files([use.path for use in job.loras])
    photo, mask = read_photograph(job.image), read_mask(job.mask)
    pixels = inpaint(info, photo.pixels, mask, job.prompt, job.settings, job.loras)
    height, width = pixels.shape[:2]
    settings = job.settings
    extra = {
        "Denoising strength": f"{settings.sampling.strength:g}",
        "Mask blur": str(settings.mask_blur_px),
        "Inpaint area": "Only masked",
    }
    told = describe(job.prompt, settings.sampling, (width, height), info, job.loras, extra)
    carried: Photograph = replace(photo, pixels=pixels)
    save_picture(job.out, carried, told, "compositeWithTrainedAlgorithmicMedia")
    return float((pixels != photo.pixels).any(-1).mean())


def check_out(job: InpaintFile) -> None:
    """Raise `UserError` for an ``out`` of no known format, of the user's own, or that cannot be written."""
    check_picture_name(job.out)
    check_place(job.out)
    if job.out.exists() and any(path.exists() and path.samefile(job.out) for path in (job.image, job.mask)):
        raise UserError(f"{job.out}: is the picture to be repainted, or its mask.", "Give another --out.")
    if job.out.exists() and not _made_here(job.out):
        raise UserError(f"{job.out}: is there already and was not made by lorawrap.", "Give another --out.")


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


def _made_here(path: Path) -> bool:
    if not path.is_file():  # to open a FIFO would wait for ever
        return False
    try:
        told = read_parameters(path)
    except OSError:
        return False
    return bool(told and told.fields.get("Version", "").startswith(PROGRAM.split()[0]))
