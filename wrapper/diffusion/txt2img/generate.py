"""txt2img: prompts and seeds → pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.manifests.safety import refuse_prompt
from dataset_tools.progress import progress
from wrapper.diffusion.inpainting.region import SIDE_STEP
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import (
    Prompt,
    Sampling,
    batches,
    check_sampling,
    native_size,
    run_batch,
    step_count,
)

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
) -> Iterator[Drawn]:
    """Open the base ``info`` with ``loras`` and `draw` the prompts. Raises `UserError` before it loads."""
    check_request(prompts, sampling, size)
    pipeline = open_pipeline(info, "txt2img", loras)
    yield from draw(pipeline, info, prompts, sampling, size, loras, title)


def draw(
    pipeline: Any,
    info: BaseInfo,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    size: Size = (None, None),
    loras: Sequence[LoraUse] = (),
    title: str = "txt2img",
) -> Iterator[Drawn]:
    """Draw ``prompts`` with an open pipeline, each yielded as soon as its batch is done.

    ``size`` is (width, height) in pixels, None for the base's own. ``info`` and ``loras`` say what the
    pipeline is made of.
    """
    check_request(prompts, sampling, size)
    own = native_size(pipeline)
    wanted = (size[0] or own, size[1] or own)
    portions = list(batches(prompts, wanted, pipeline.device.type))
    with progress(title, len(portions) * step_count(pipeline, sampling)) as bar:
        for portion in portions:
            pictures = run_batch(pipeline, portion, sampling, wanted, bar.advance)
            for prompt, pixels in zip(portion, pictures, strict=True):
                yield Drawn(prompt, pixels, describe(prompt, sampling, wanted, info, loras))


def check_request(prompts: Sequence[Prompt], sampling: Sampling, size: Size) -> None:
    """Raise `UserError` for a prompt that asks for somebody under age, a bad sampling, and a bad size."""
    check_sampling(sampling)
    for prompt in prompts:
        refuse_prompt(prompt.text)
    for name, side in zip(("width", "height"), size, strict=True):
        if side is not None and (side < SIDE_STEP or side % SIDE_STEP):
            raise UserError(f"A {name} of {side} px is not a multiple of {SIDE_STEP}.")
