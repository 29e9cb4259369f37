"""One picture to be drawn from text: all that it hangs on, besides the base model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataset_tools.files import content_hash, data_hash
from wrapper.diffusion.conditions.conditions import NONE, Conditions, condition_fields
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pipelines.sampling import OnStep, Sampling, run_batch
from wrapper.diffusion.pipelines.schedulers import make_scheduler
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.hires import Hires, run_hires, second_sampling

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse

CONDITIONS_HASH = "Conditions hash"


@dataclass(frozen=True)
class Shot:
    """``size`` is (width, height) of the first pass, in pixels."""

    prompt: Prompt
    sampling: Sampling
    size: tuple[int, int]
    loras: tuple[LoraUse, ...] = ()
    hires: Hires | None = None

    def told(self, info: BaseInfo, conditions: Conditions = NONE) -> Infotext:
        """The parameters that the picture will carry."""
        extra = {**(self.hires.fields() if self.hires else {}), **condition_fields(conditions)}
        if conditions:
            extra[CONDITIONS_HASH] = conditions_hash(conditions)
        return describe(self.prompt, self.sampling, self.size, info, self.loras, extra)

    def steps(self) -> int:
        """How often the U-Net is called. How many there are hangs on no base model."""
        passes = [self.sampling, *([second_sampling(self.sampling, self.hires)] if self.hires else [])]
        return sum(map(_step_count, passes))

    def draw(self, pipeline: Any, on_step: OnStep | None = None) -> np.ndarray:
        """The picture, uint8 [H, W, 3], alone in its batch: company would move its last bits."""
        if self.hires:
            return run_hires(pipeline, [self.prompt], self.sampling, self.hires, self.size, on_step)[0]
        return run_batch(pipeline, [self.prompt], self.sampling, self.size, on_step)[0]


def _step_count(sampling: Sampling) -> int:
    scheduler = make_scheduler(sampling.sampler, {})
    scheduler.set_timesteps(sampling.steps)
    skipped = sampling.steps - int(sampling.steps * sampling.strength)
    return len(scheduler.timesteps) - skipped * scheduler.order


def conditions_hash(conditions: Conditions) -> str:
    """What tells control images and models of equal names apart, short."""
    paths = [path for control in conditions.controls for path in (control.image, control.model)]
    paths += [path for adapter in conditions.adapters for path in (adapter.file, *adapter.images)]
    return data_hash([content_hash(path) if path.is_file() else path.name for path in paths])[:10]
