"""Sample images while training: what the LoRA draws so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from dataset_tools.errors import UserError
from dataset_tools.manifests.safety import refuse_prompt
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pipelines.sampling import Sampling, native_size, run_batch
from wrapper.diffusion.pipelines.schedulers import make_scheduler
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.prompts.prompt_file import FilePrompt, read_prompts
from wrapper.trainer.config import Settings
from wrapper.trainer.data.samples import Sample
from wrapper.trainer.model import Model
from wrapper.trainer.names import OutputNames

SAMPLERS = {
    "ddim": "DDIM",
    "lms": "LMS",
    "euler": "Euler",
    "euler_a": "Euler a",
    "heun": "Heun",
    "dpmsolver++": "DPM++ 2M",
}
"""Kohya's names of samplers (``k_`` in front makes no difference), and A1111's."""
STEPS, CFG, SEED = 30, 7.5, 1
T = TypeVar("T")


@dataclass(frozen=True)
class SamplePrompt:
    """One line of ``sample_prompts``; ``size`` is (width, height) in pixels, None for the base's own."""

    prompt: Prompt
    sampling: Sampling
    size: tuple[int, int] | None


def read_sample_prompts(path: Path, sampler: str) -> list[SamplePrompt]:
    """The prompts of a file in any of sd-scripts' forms. Raises `UserError` for what is refused."""
    return [_sample_prompt(asked, SAMPLERS[sampler.removeprefix("k_")]) for asked in read_prompts(path)]


def _sample_prompt(asked: FilePrompt, sampler: str) -> SamplePrompt:
    """What the line leaves out is as in sd-scripts v0.10.1: 30 steps, CFG 7.5; the seed is 1."""
    refuse_prompt(asked.text)
    if (asked.width is None) != (asked.height is None):
        raise UserError(f"{asked.where}: one side alone.", "Give both --w and --h, or neither.")
    size = (asked.width, asked.height) if asked.width and asked.height else None
    sampling = Sampling(asked.sampler or sampler, asked.steps or STEPS, _first(asked.cfg, CFG))
    return SamplePrompt(Prompt(asked.text, asked.negative or "", _first(asked.seed, SEED)), sampling, size)


def _first(value: T | None, default: T) -> T:
    return default if value is None else value


class Sampler:
    """Draws the prompts when their time has come. Inpainting bases repaint the first training images."""

    def __init__(
        self, model: Model, settings: Settings, names: OutputNames, scenes: Callable[[], Sequence[Sample]]
    ) -> None:
        self.model, self.settings, self.names, self.scenes = model, settings, names, scenes
        path = settings.sample_prompts
        self.prompts = read_sample_prompts(Path(path), settings.sample_sampler) if path else []

    def at_step(self, step: int) -> None:
        every = self.settings.sample_every_n_steps
        if (step == 0 and self.settings.sample_at_first) or (step and every and step % every == 0):
            self.draw(step)

    def at_epoch(self, epoch: int, step: int) -> None:
        every = self.settings.sample_every_n_epochs
        if every and epoch % every == 0:
            self.draw(step)

    def draw(self, step: int) -> None:
        """Draw every prompt into the sample folder; random state and models are left as they were."""
        with torch.random.fork_rng(), torch.no_grad():
            pipeline = _pipeline(self.model)
            scenes = self.scenes() if self.model.info.inpaint else []
            for number, wanted in enumerate(self.prompts):
                scene = scenes[number % len(scenes)] if scenes else None
                self._draw_one(pipeline, wanted, scene, number, step)

    def _draw_one(
        self, pipeline: Any, wanted: SamplePrompt, scene: Sample | None, number: int, step: int
    ) -> None:
        side = native_size(pipeline)
        size = wanted.size or (side, side)
        inputs: dict[str, Any] = {}
        if scene is not None:
            size, inputs = _scene_inputs(scene)
        [pixels] = run_batch(pipeline, [wanted.prompt], wanted.sampling, size, **inputs)
        path = self.names.sample(number, step, wanted.prompt.seed)
        about = describe(wanted.prompt, wanted.sampling, size, self.model.info)
        source = "trainedAlgorithmicMedia" if scene is None else "compositeWithTrainedAlgorithmicMedia"
        save_picture(path, Photograph(pixels), about, source)


def _scene_inputs(scene: Sample) -> tuple[tuple[int, int], dict[str, Any]]:
    from PIL import Image

    assert scene.mask is not None
    mask = np.where(scene.mask >= 128, np.uint8(255), np.uint8(0))
    inputs = {"image": [Image.fromarray(scene.image)], "mask_image": [Image.fromarray(mask)], "strength": 1.0}
    return (scene.image.shape[1], scene.image.shape[0]), inputs


def _pipeline(model: Model) -> Any:
    import diffusers

    family = "StableDiffusionXL" if model.info.kind == "sdxl" else "StableDiffusion"
    scheduler = make_scheduler("DDIM", model.scheduler_config)
    parts = {"vae": model.vae, "unet": model.unet, "scheduler": scheduler}
    for place, (encoder, tokenizer) in enumerate(zip(model.text_encoders, model.tokenizers, strict=True)):
        ending = "" if place == 0 else "_2"
        parts |= {f"text_encoder{ending}": encoder, f"tokenizer{ending}": tokenizer}
    if model.info.kind == "sdxl":
        parts["add_watermarker"] = False
    else:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = getattr(diffusers, f"{family}{'Inpaint' if model.info.inpaint else ''}Pipeline")(**parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
