"""What all pictures of a comparison share: drawn from text at one size, or into one photograph's mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dataset_tools.files import content_hash
from wrapper.comparison.look import Look
from wrapper.diffusion.inpainting.inpaint import InpaintSettings, check_inpainting, inpaint_region
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.photograph import Photograph, read_photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pictures.provenance import DigitalSource
from wrapper.diffusion.pipelines.sampling import OnStep, run_batch
from wrapper.diffusion.txt2img.generate import check_request

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo

SHORT = 12


class Subject(Protocol):
    """``check`` and ``describe`` need no model; ``draw`` gives uint8 [H, W, 3]."""

    task: Literal["txt2img", "inpaint"]
    source: DigitalSource

    def check(self, look: Look) -> None: ...

    def describe(self, look: Look, info: BaseInfo) -> Infotext: ...

    def draw(self, pipeline: Any, look: Look, on_step: OnStep) -> np.ndarray: ...

    def save(self, path: Path, pixels: np.ndarray, told: Infotext) -> None: ...


@dataclass(frozen=True)
class FromText:
    """txt2img at ``size`` (width, height) in pixels.

    One picture a batch: a batch's company moves its pictures by a last bit, and a comparison that is taken
    up again would be another one.
    """

    size: tuple[int, int]
    task: Literal["txt2img", "inpaint"] = "txt2img"
    source: DigitalSource = "trainedAlgorithmicMedia"

    def check(self, look: Look) -> None:
        check_request([look.prompt], look.sampling, self.size)

    def describe(self, look: Look, info: BaseInfo) -> Infotext:
        return describe(look.prompt, look.sampling, self.size, info, look.loras)

    def draw(self, pipeline: Any, look: Look, on_step: OnStep) -> np.ndarray:
        return run_batch(pipeline, [look.prompt], look.sampling, self.size, on_step)[0]

    def save(self, path: Path, pixels: np.ndarray, told: Infotext) -> None:
        save_picture(path, Photograph(pixels), told, self.source)


@dataclass(frozen=True, eq=False)
class IntoPhotograph:
    """Inpainting of ``photo`` where ``mask`` (uint8 [H, W]) is white; looks bring the sampling."""

    photo: Photograph
    mask: np.ndarray
    settings: InpaintSettings
    hashes: dict[str, str]
    task: Literal["txt2img", "inpaint"] = "inpaint"
    source: DigitalSource = "compositeWithTrainedAlgorithmicMedia"

    def check(self, look: Look) -> None:
        check_inpainting(self.photo.pixels, self.mask, look.prompt, self._settings(look))

    def describe(self, look: Look, info: BaseInfo) -> Infotext:
        height, width = self.mask.shape[:2]
        extra = {
            "Denoising strength": f"{look.sampling.strength:g}",
            "Mask blur": str(self.settings.mask_blur_px),
            "Inpaint area": "Only masked",
            **self.hashes,
        }
        return describe(look.prompt, look.sampling, (width, height), info, look.loras, extra)

    def draw(self, pipeline: Any, look: Look, on_step: OnStep) -> np.ndarray:
        settings = self._settings(look)
        return inpaint_region(pipeline, self.photo.pixels, self.mask, look.prompt, settings, on_step)

    def save(self, path: Path, pixels: np.ndarray, told: Infotext) -> None:
        save_picture(path, replace(self.photo, pixels=pixels), told, self.source)

    def _settings(self, look: Look) -> InpaintSettings:
        return replace(self.settings, sampling=look.sampling)


def read_subject(image: Path, mask: Path, settings: InpaintSettings) -> IntoPhotograph:
    """The photograph and its mask. Raises `UserError` for files that are no whole images."""
    from dataset_tools.pictures.images import read_mask

    hashes = {"Init image hash": content_hash(image)[:SHORT], "Mask hash": content_hash(mask)[:SHORT]}
    return IntoPhotograph(read_photograph(image), read_mask(mask), settings, hashes)


def check_looks(subject: Subject, looks: Sequence[Look]) -> None:
    """Raise one `UserError` that names every fault that shows without a model."""
    from dataset_tools.errors import Problems, UserError
    from wrapper.diffusion.pipelines.opening import check_lora_files

    check_lora_files(sorted({path for look in looks for path in look.files}))
    problems = Problems()
    for look in looks:
        try:
            subject.check(look)
        except UserError as error:
            problems.add(look.prompt.text, error.message, error.hint)
    problems.merged().raise_if_any()
