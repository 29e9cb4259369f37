"""Masked inpainting at the photograph's own resolution: cut out, repaint, paste back feathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset_tools.manifests.safety import refuse_prompt
from dataset_tools.progress import progress
from wrapper.diffusion.conditions.control_image import Seen
from wrapper.diffusion.inpainting.feather import feathered_box, lay_back, touched
from wrapper.diffusion.inpainting.masked_content import Fill, fill_hole
from wrapper.diffusion.inpainting.region import (
    MASKED,
    Area,
    Region,
    check_mask,
    region_around,
    resize,
)
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import (
    OnStep,
    Sampling,
    check_sampling,
    native_size,
    run_batch,
    step_count,
)
from wrapper.diffusion.pipelines.sides import SIDE_STEP, check_side
from wrapper.diffusion.prompts.editing import check_prompt
from wrapper.diffusion.prompts.prompt import Prompt

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse

MASK_CHANNELS = 9
"""Latents, mask, and the latents of the picture without what is masked."""
MOSTLY_NEW = 0.5
"""From this share of repainted pixels on, inpainting is held to the rules of txt2img."""


@dataclass(frozen=True)
class InpaintSettings:
    """``context`` is the side of the region over the mask's box, unless ``padding_px`` fixes the margin.

    ``work_size`` is the side in pixels that the model works at, None for the base's own. ``fill`` is what
    lies in the hole at the start; at strength 1 nothing of it is left.
    """

    sampling: Sampling = field(default_factory=Sampling)
    mask_blur_px: int = 4
    padding_px: int | None = None
    context: float = 3.0
    work_size: int | None = None
    area: Area = "masked"
    fill: Fill = "original"


@dataclass(frozen=True)
class View:
    """What the model is shown: ``region`` of the photograph of size ``whole`` (width, height), resized.

    ``image`` is uint8 [h, w, 3] at the working size, ``hole`` uint8 [h, w], 255 where it is to paint.
    """

    region: Region
    whole: tuple[int, int]
    image: np.ndarray
    hole: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """The working size (width, height)."""
        return self.image.shape[1], self.image.shape[0]


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
    check_settings(settings)
    check_prompt(prompt.text)
    check_prompt(prompt.negative)
    if (mask >= MASKED).mean() > MOSTLY_NEW:
        refuse_prompt(prompt.text)


def check_settings(settings: InpaintSettings) -> None:
    """Raise `UserError` for a sampler that there is not, too few steps, and a bad work size."""
    check_sampling(settings.sampling)
    side = settings.work_size
    if side is not None:
        check_side("work size", side)


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
    view = view_of(pipeline, image, mask, settings)
    result = image.copy()
    patch = paint(pipeline, view, prompt, settings, on_step)
    lay_back(result, patch, mask, view.region, settings.mask_blur_px)
    return result


def view_of(pipeline: Any, image: np.ndarray, mask: np.ndarray, settings: InpaintSettings) -> View:
    """The view of ``image`` (uint8 [H, W, 3]) that ``pipeline`` paints ``mask`` in."""
    region = seen_region(mask, settings)
    size = region.work_size(settings.work_size or native_size(pipeline))
    hole = hole_at(touched(mask, region, settings.mask_blur_px), size, pipeline.unet.config.in_channels)
    return View(region, (image.shape[1], image.shape[0]), resize(region.cut(image), size), hole)


def seen_region(mask: np.ndarray, settings: InpaintSettings) -> Region:
    """The part of the picture that the model sees."""
    if settings.area == "whole":
        return Region(0, 0, mask.shape[1], mask.shape[0])
    box = feathered_box(mask, settings.mask_blur_px)
    return region_around(box, mask.shape, context=settings.context, padding_px=settings.padding_px)


def paint(
    pipeline: Any, view: View, prompt: Prompt, settings: InpaintSettings, on_step: OnStep | None = None
) -> np.ndarray:
    """What the model paints over ``view``: uint8 [H, W, 3] of its region's size."""
    start = fill_hole(view.image, view.hole, settings.fill, prompt.seed)
    seen = Seen(view.whole, view.region)
    new = repaint(pipeline, [start], [view.hole], [prompt], settings.sampling, on_step, seen)[0]
    return resize(new, (view.region.width, view.region.height))


def hole_at(touched: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """``touched`` [H, W] at ``size`` (width, height): no touched pixel gets lost.

    A base with 9 channels is shown the hole as it is; with 4, a latent is laid back or not, and one that is
    partly in the hole would keep the old picture in it. Diffusers takes the first pixel of each latent for
    all of it: a small hole that it would miss is made of whole latents, too.
    """
    exact = _covered(touched, size, 1)
    seen = exact[::SIDE_STEP, ::SIDE_STEP].any()
    return exact if seen and channels == MASK_CHANNELS else _covered(touched, size, SIDE_STEP)


def _covered(touched: np.ndarray, size: tuple[int, int], step: int) -> np.ndarray:
    """Cells of ``step`` pixels at ``size`` (width, height), 255 where any pixel of ``touched`` is."""
    import numpy as np

    hole = touched
    for axis, side in enumerate(reversed(size)):
        edges = np.arange(side // step) * touched.shape[axis] // (side // step)
        hole = np.maximum.reduceat(hole, edges, axis=axis).repeat(step, axis)
    return hole


def repaint(
    pipeline: Any,
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    prompts: Sequence[Prompt],
    sampling: Sampling,
    on_step: OnStep | None = None,
    seen: Seen | None = None,
) -> list[np.ndarray]:
    """A batch of equally large pictures as the model gives them, also outside the masks (255 = repaint).

    ``seen`` is the part of a photograph that they are, for control images that show all of it.
    """
    from PIL import Image

    height, width = images[0].shape[:2]
    return run_batch(
        pipeline,
        prompts,
        sampling,
        (width, height),
        on_step,
        seen,
        image=[Image.fromarray(image) for image in images],
        mask_image=[Image.fromarray(mask) for mask in masks],
        strength=sampling.strength,
    )
