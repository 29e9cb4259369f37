"""txt2img: prompts and seeds → pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataset_tools.manifests.safety import refuse_prompt
from dataset_tools.progress import progress
from wrapper.diffusion.conditions.conditions import NONE, Conditions, condition_fields
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.placement import DEFAULT, Placement
from wrapper.diffusion.pipelines.sampling import (
    OnStep,
    Sampling,
    batches,
    check_sampling,
    native_size,
    run_batch,
    step_count,
)
from wrapper.diffusion.pipelines.sides import check_side
from wrapper.diffusion.prompts.editing import check_prompt
from wrapper.diffusion.prompts.encoding import equal_lengths
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.hires import Hires, check_hires, hires_steps, run_hires

if TYPE_CHECKING:
    import numpy as np

    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse

Size = tuple[int | None, int | None]


@dataclass(frozen=True)
class Drawn:
    """One finished picture, uint8 [H, W, 3], and what made it."""

    prompt: Prompt
    pixels: np.ndarray
    info: Infotext


def generate(
    info: BaseInfo,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    size: Size = (None, None),
    loras: Sequence[LoraUse] = (),
    title: str = "txt2img",
    conditions: Conditions = NONE,
    placement: Placement = DEFAULT,
    hires: Hires | None = None,
) -> Iterator[Drawn]:
    """Open the base ``info`` with ``loras`` and ``conditions`` and `draw` the prompts.

    Raises `UserError` before it loads.
    """
    check_request(prompts, sampling, size, hires)
    pipeline = open_pipeline(info, "txt2img", loras, conditions, placement)
    yield from draw(pipeline, info, prompts, sampling, size, loras, title, conditions, hires)


def draw(
    pipeline: Any,
    info: BaseInfo,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    size: Size = (None, None),
    loras: Sequence[LoraUse] = (),
    title: str = "txt2img",
    conditions: Conditions = NONE,
    hires: Hires | None = None,
    is_there: Callable[[Prompt], bool] = lambda _prompt: False,
) -> Iterator[Drawn]:
    """Draw ``prompts`` with an open pipeline, each yielded as soon as its batch is done.

    ``size`` is (width, height) in pixels of the first pass, None for the base's own. ``info``, ``loras`` and
    ``conditions`` say what the pipeline is made of. A batch of which each picture ``is_there`` is left out;
    of another all are drawn: in other company their last bits would move.
    """
    check_request(prompts, sampling, size, hires)
    own = native_size(pipeline)
    wanted = (size[0] or own, size[1] or own)
    extra = {**(hires.fields() if hires else {}), **condition_fields(conditions)}
    portions = [
        portion
        for run in equal_lengths(pipeline, prompts)
        for portion in batches(run, hires.size(wanted) if hires else wanted, pipeline.device.type)
        if not all(map(is_there, portion))
    ]
    with progress(title, len(portions) * _steps(pipeline, sampling, hires)) as bar:
        for portion in portions:
            pictures = _pictures(pipeline, portion, sampling, wanted, hires, bar.advance)
            for prompt, pixels in zip(portion, pictures, strict=True):
                yield Drawn(prompt, pixels, describe(prompt, sampling, wanted, info, loras, extra))


def _steps(pipeline: Any, sampling: Sampling, hires: Hires | None) -> int:
    return hires_steps(pipeline, sampling, hires) if hires else step_count(pipeline, sampling)


def _pictures(
    pipeline: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    size: tuple[int, int],
    hires: Hires | None,
    on_step: OnStep,
) -> list[np.ndarray]:
    if hires:
        return run_hires(pipeline, prompts, sampling, hires, size, on_step)
    return run_batch(pipeline, prompts, sampling, size, on_step)


def check_request(
    prompts: Sequence[Prompt], sampling: Sampling, size: Size, hires: Hires | None = None
) -> None:
    """Raise `UserError` for a prompt that is refused or not understood, a bad sampling, and a bad size."""
    check_sampling(sampling)
    if hires:
        check_hires(hires)
    for prompt in prompts:
        refuse_prompt(prompt.text)
        check_prompt(prompt.text)
        check_prompt(prompt.negative)
    for name, side in zip(("width", "height"), size, strict=True):
        if side is not None:
            check_side(name, side)
            check_side(f"final {name}", hires.side(side) if hires else side)
