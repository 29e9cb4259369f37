"""What all pictures of a comparison share: drawn from text at one size, or into one photograph's mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dataset_tools.errors import Problems, UserError
from wrapper.base_model.base_size import base_side_px
from wrapper.comparison.look import Look
from wrapper.diffusion.conditions.conditions import NONE, Conditions
from wrapper.diffusion.inpainting.inpaint import check_inpainting, seen_region
from wrapper.diffusion.inpainting.painting import Ready, Say, paint_ready, read_ready, refuse_unknown_minor
from wrapper.diffusion.inpainting.region import Region
from wrapper.diffusion.inpainting.repair import Painter, Repair, tell
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pictures.provenance import DigitalSource
from wrapper.diffusion.pipelines.opening import check_lora_files
from wrapper.diffusion.pipelines.placement import DEFAULT, Placement
from wrapper.diffusion.pipelines.sampling import OnStep
from wrapper.diffusion.txt2img.generate import check_request
from wrapper.diffusion.txt2img.hires import Hires
from wrapper.diffusion.txt2img.shot import Shot

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo

Task = Literal["txt2img", "inpaint"]


@dataclass(frozen=True)
class Means:
    """What draws: a base, what steers it beside the prompt, and where it runs."""

    info: BaseInfo
    conditions: Conditions = NONE
    placement: Placement = field(default_factory=lambda: DEFAULT)


class Subject(Protocol):
    """`check` and `told` need no model; `paint` draws with an open pipeline, and saves."""

    means: Means
    task: Task
    source: DigitalSource

    def check(self, look: Look) -> None: ...

    def told(self, look: Look) -> Infotext: ...

    def paint(self, pipeline: Any, look: Look, path: Path, on_step: OnStep) -> None: ...

    def steps(self, look: Look) -> int: ...


@dataclass(frozen=True)
class FromText:
    """txt2img at ``size`` (width, height) in pixels."""

    means: Means
    size: tuple[int, int]
    hires: Hires | None = None
    task: Task = "txt2img"
    source: DigitalSource = "trainedAlgorithmicMedia"

    def check(self, look: Look) -> None:
        check_request([look.prompt], look.sampling, self.size, self.hires)

    def told(self, look: Look) -> Infotext:
        return self._shot(look).told(self.means.info, self.means.conditions)

    def paint(self, pipeline: Any, look: Look, path: Path, on_step: OnStep) -> None:
        pixels = self._shot(look).draw(pipeline, on_step)
        save_picture(path, Photograph(pixels), self.told(look), self.source)

    def steps(self, look: Look) -> int:
        return self._shot(look).steps()

    def _shot(self, look: Look) -> Shot:
        return Shot(look.prompt, look.sampling, self.size, look.loras, self.hires)


@dataclass(frozen=True, eq=False)
class IntoPhotograph:
    """Inpainting of one photograph in its mask; looks bring prompt, sampling and LoRAs."""

    means: Means
    ready: Ready
    task: Task = "inpaint"
    source: DigitalSource = "compositeWithTrainedAlgorithmicMedia"

    def check(self, look: Look) -> None:
        refuse_unknown_minor(look.prompt)
        settings = replace(self.ready.repair.settings, sampling=look.sampling)
        check_inpainting(self.ready.photo.pixels, self.ready.mask, look.prompt, settings)

    def told(self, look: Look) -> Infotext:
        region, size = self._seen
        return tell(self._painter(look), self._repair(look), look.prompt, region, size)

    def paint(self, pipeline: Any, look: Look, path: Path, on_step: OnStep) -> None:
        todo = [(look.prompt, path)]
        ready = replace(self.ready, repair=self._repair(look), todo=todo)
        for _ in paint_ready(pipeline, self._painter(look), ready, on_step):
            pass

    def steps(self, look: Look) -> int:
        return Shot(look.prompt, look.sampling, (0, 0)).steps()

    @cached_property
    def _seen(self) -> tuple[Region, tuple[int, int]]:
        """The part of the photograph that the model sees, and the size that it works at."""
        settings = self.ready.repair.settings
        region = seen_region(self.ready.mask, settings)
        return region, region.work_size(settings.work_size or base_side_px(self.means.info))

    def _repair(self, look: Look) -> Repair:
        settings = replace(self.ready.repair.settings, sampling=look.sampling)
        return replace(self.ready.repair, prompt=look.prompt, settings=settings)

    def _painter(self, look: Look) -> Painter:
        return Painter(self.means.info, look.loras, self.means.conditions, self.means.placement)


def read_subject(means: Means, repair: Repair, say: Say) -> IntoPhotograph:
    """Read photograph and mask of ``repair``. Raises `UserError` for files that are no whole images."""
    for path in (repair.image, *repair.mask.files):
        if not path.is_file():
            raise UserError(f"{path}: there is no such file.")
    return IntoPhotograph(means, read_ready(repair, (), say))


def check_looks(subject: Subject, looks: Sequence[Look]) -> None:
    """Raise one `UserError` that names every fault that shows without a model."""
    check_lora_files(sorted({path for look in looks for path in look.files}))
    problems = Problems()
    for look in looks:
        try:
            subject.check(look)
        except UserError as error:
            problems.add(look.prompt.text, error.message, error.hint)
    problems.merged().raise_if_any()
