"""Masked inpainting at the photograph's own resolution: cut out, repaint, paste back feathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.manifests.safety import refuse_prompt
from dataset_tools.progress import progress
from wrapper.diffusion.inpainting.region import (
    MASKED,
    SIDE_STEP,
    check_mask,
    feather,
    paste,
    region_around,
    resize,
)
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import (
    OnStep,
    Prompt,
    Sampling,
    check_sampling,
    native_size,
    run_batch,
    step_count,
)

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse

MOSTLY_NEW = 0.5
"""From this share of repainted pixels on, inpainting is held to the rules of txt2img."""


@dataclass(frozen=True)
class InpaintSettings:
    """``context`` is the side of the region over the mask's box, unless ``padding_px`` fixes the margin.

    ``work_size`` is the side in pixels that the model works at, None for the base's own.
    """

    sampling: Sampling = field(default_factory=Sampling)
    mask_blur_px: int = 4
    padding_px: int | None = None
    context: float = 3.0
    work_size: int | None = None


def inpaint(
    info: BaseInfo,
    image: np.ndarray,
    mask: np.ndarray,
    prompt: Prompt,
    settings: InpaintSettings,
    loras: Sequence[LoraUse] = (),
) -> np.ndarray:
    """Open the base ``info`` with ``loras`` and repaint ``image`` [H, W, 3] where ``mask`` [H, W] is white.

    Raises `UserError` for a mask that is empty or of another size, before anything is loaded.
    """
    check_inpainting(image, mask, prompt, settings)
    pipeline = open_pipeline(info, "inpaint", loras)
    with progress("inpaint", step_count(pipeline, settings.sampling)) as bar:
        return inpaint_region(pipeline, image, mask, prompt, settings, bar.advance)


def check_inpainting(image: np.ndarray, mask: np.ndarray, prompt: Prompt, settings: InpaintSettings) -> None:
    """Raise `UserError` for what can be seen to be wrong without a model."""
    check_mask(image, mask)
    check_sampling(settings.sampling)
    if (mask >= MASKED).mean() > MOSTLY_NEW:
        refuse_prompt(prompt.text)
    side = settings.work_size
    if side is not None and (side < SIDE_STEP or side % SIDE_STEP):
        raise UserError(f"A work size of {side} px is not a multiple of {SIDE_STEP}.")


def inpaint_region(
    pipeline: Any,
    image: np.ndarray,
    mask: np.ndarray,
    prompt: Prompt,
    settings: InpaintSettings,
    on_step: OnStep | None = None,
) -> np.ndarray:
    """A copy of ``image`` (uint8 [H, W, 3]) repainted inside ``mask``.

    It is identical in every pixel that is further than ``mask_blur_px`` from the mask.
    """
    check_inpainting(image, mask, prompt, settings)
    share = feather(mask, settings.mask_blur_px)
    region = region_around(share > 0, context=settings.context, padding_px=settings.padding_px)
    size = region.work_size(settings.work_size or native_size(pipeline))
    hole = (resize((region.cut(share) > 0).astype("uint8") * 255, size) > 0).astype("uint8") * 255
    old = resize(region.cut(image), size)
    new = repaint(pipeline, [old], [hole], [prompt], settings.sampling, on_step)[0]
    return paste(image, resize(new, (region.width, region.height)), share, region)


def repaint(
    pipeline: Any,
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    prompts: Sequence[Prompt],
    sampling: Sampling,
    on_step: OnStep | None = None,
) -> list[np.ndarray]:
    """A batch of equally large pictures as the model gives them, also outside the masks (255 = repaint)."""
    from PIL import Image

    height, width = images[0].shape[:2]
    return run_batch(
        pipeline,
        prompts,
        sampling,
        (width, height),
        on_step,
        image=[Image.fromarray(image) for image in images],
        mask_image=[Image.fromarray(mask) for mask in masks],
        strength=sampling.strength,
    )
