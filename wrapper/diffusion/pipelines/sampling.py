"""One batch through a diffusers pipeline: the sampler, the seeds, the steps that are reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dataset_tools.errors import RunFailed, UserError
from wrapper.diffusion.pipelines.classes import is_img2img
from wrapper.diffusion.pipelines.out_of_memory import check_memory, enough_memory
from wrapper.diffusion.pipelines.schedulers import check_sampler, make_scheduler
from wrapper.diffusion.prompts.encoding import encode_prompts

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from wrapper.diffusion.conditions.control_image import Seen
    from wrapper.diffusion.prompts.prompt import Prompt

T = TypeVar("T")
MOST_CFG = 50
OnStep = Callable[[], None]
BATCH_PIXELS_CPU = 48 * 64 * 64
BATCH_PIXELS_GPU = 4 * 512 * 512


@dataclass(frozen=True)
class Sampling:
    """How noise becomes a picture; below ``strength`` 1 the old picture shines through (inpainting only).

    ``clip_skip`` counts the text encoder's layers from the last, which is 1, as A1111 does.
    """

    sampler: str = "Euler a"
    steps: int = 40
    cfg: float = 5.0
    strength: float = 1.0
    clip_skip: int = 1


def check_sampling(sampling: Sampling) -> None:
    """Raise `UserError` for a sampler that there is not, a number out of range, and less than one step."""
    check_sampler(sampling.sampler, sampling.steps)
    if not 0 <= sampling.cfg <= MOST_CFG:
        raise UserError(f"A CFG of {sampling.cfg:g} is not between 0 and {MOST_CFG}.")
    if not 0 < sampling.strength <= 1:
        raise UserError(f"A strength of {sampling.strength:g} is not above 0 and at most 1.")
    if int(sampling.steps * sampling.strength) < 1:
        raise UserError(
            f"{sampling.steps} steps at strength {sampling.strength:g} are less than one step.",
            "Ask for more steps or more strength.",
        )


def step_count(pipeline: Any, sampling: Sampling) -> int:
    """How often the U-Net is called for a batch."""
    scheduler = make_scheduler(sampling.sampler, pipeline.scheduler.config)
    scheduler.set_timesteps(sampling.steps)
    skipped = sampling.steps - int(sampling.steps * sampling.strength)
    return len(scheduler.timesteps) - skipped * scheduler.order


def run_batch(
    pipeline: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    size: tuple[int, int],
    on_step: OnStep | None = None,
    seen: Seen | None = None,
    **inputs: Any,
) -> list[np.ndarray]:
    """Pictures, uint8 [H, W, 3], of ``size`` (width, height), one for each prompt.

    Every picture has a CPU noise generator of its own, so that a seed means the same on every device and in
    every batch. ``seen`` is the part of a photograph that is drawn, for control images that show all of it.
    ``inputs`` go to the pipeline. Raises `RunFailed` when the safety checker refuses a picture, when one
    comes out as no numbers, and when the memory is not enough.
    """
    made = _call(pipeline, prompts, sampling, size, on_step, seen, {**inputs, "output_type": "np"})
    _refuse_flagged(prompts, getattr(made, "nsfw_content_detected", None))
    _refuse_broken(prompts, made.images)
    return list((made.images * 255).round().astype("uint8"))


def run_latents(
    pipeline: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    size: tuple[int, int],
    on_step: OnStep | None = None,
) -> Tensor:
    """Latents [N, 4, h, w] of pictures that are not decoded, for a second pass. Raises `RunFailed`."""
    return _call(pipeline, prompts, sampling, size, on_step, None, {"output_type": "latent"}).images


def _call(
    pipeline: Any,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    size: tuple[int, int],
    on_step: OnStep | None,
    seen: Seen | None,
    inputs: dict[str, Any],
) -> Any:
    """The pipeline's output for one batch."""
    import torch

    from wrapper.diffusion.conditions.attached import condition_inputs

    seeds = [prompt.seed for prompt in prompts]
    pipeline.scheduler = make_scheduler(sampling.sampler, pipeline.scheduler.config, seeds)

    def report(_pipeline: Any, _step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        if on_step:
            on_step()
        return values

    sized = {} if is_img2img(pipeline) else {"width": size[0], "height": size[1]}
    with enough_memory(pipeline, len(prompts), size):
        check_memory(pipeline, len(prompts), size)
        return pipeline(
            **encode_prompts(pipeline, prompts, sampling.cfg, sampling.clip_skip),
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.cfg,
            generator=[torch.Generator("cpu").manual_seed(prompt.seed) for prompt in prompts],
            callback_on_step_end=report,
            **sized,
            **condition_inputs(pipeline, size, sampling.cfg > 1, seen),
            **inputs,
        )


def batches(items: Sequence[T], size: tuple[int, int], device: str) -> Iterator[Sequence[T]]:
    """``items`` in portions that fit into memory at ``size`` (width, height)."""
    budget = BATCH_PIXELS_CPU if device == "cpu" else BATCH_PIXELS_GPU
    count = max(1, budget // (size[0] * size[1]))
    for start in range(0, len(items), count):
        yield items[start : start + count]


def native_size(pipeline: Any) -> int:
    """The side in pixels that the base model was made for: 512 for SD 1.5, 1024 for SDXL."""
    return int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)


def _refuse_flagged(prompts: Sequence[Prompt], flags: Sequence[bool] | None) -> None:
    refused = [str(prompt.seed) for prompt, flag in zip(prompts, flags or (), strict=False) if flag]
    if refused:
        raise RunFailed(
            f"The base model's safety checker refused the picture of seed {', '.join(refused)}.",
            "Change the prompt or the seed.",
        )


def _refuse_broken(prompts: Sequence[Prompt], images: np.ndarray) -> None:
    """``images`` float [N, H, W, 3]; one that overflowed is NaN and would be saved as a black picture."""
    import numpy as np

    broken = [str(p.seed) for p, image in zip(prompts, images, strict=True) if np.isnan(image).any()]
    if broken:
        raise RunFailed(
            f"The picture of seed {', '.join(broken)} is not made of numbers: the model overflowed.",
            "Give the LoRA less weight, or another base model.",
        )
