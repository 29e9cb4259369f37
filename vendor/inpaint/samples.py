"""Sample images while training: pictures of the training set (or of the prompt's line), repainted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from library import train_util
from PIL import Image, ImageOps

from inpaint.captions import encode_captions
from inpaint.encode import encode_now, shrink_hole, to_hole, to_pixels
from inpaint.pairs import read_mask
from inpaint.prompts import Prompt, read_prompts
from inpaint.refusal import RefusedError

SIDE_STEP = 64
"""Sides of a sample are multiples of it, px: each U-Net halves latents three times at most."""


@dataclass(frozen=True)
class Scene:
    """What is repainted: ``image`` uint8 [H, W, 3], ``mask`` uint8 [H, W]."""

    image: np.ndarray
    mask: np.ndarray


def is_due(args: Any, epoch: int | None, step: int) -> bool:
    """sd-scripts' rule: ``sample_at_first`` at step 0; every n epochs beats every n steps."""
    if step == 0:
        return bool(args.sample_at_first)
    if args.sample_every_n_epochs:
        return epoch is not None and epoch % args.sample_every_n_epochs == 0
    return bool(args.sample_every_n_steps) and epoch is None and step % args.sample_every_n_steps == 0


def file_name(output_name: str | None, epoch: int | None, step: int, prompt: Prompt, now: str) -> str:
    """As sd-scripts calls them: ``ear_e000002_00_20260101120000_7.png``."""
    when = f"e{epoch:06d}" if epoch is not None else f"{step:06d}"
    seed = [] if prompt.seed is None else [str(prompt.seed)]
    return (
        "_".join([*([output_name] if output_name else []), when, f"{prompt.number:02d}", now, *seed]) + ".png"
    )


class Sampler:
    """Draws every prompt with the network as it is now."""

    def __init__(
        self, trainer: Any, args: Any, accelerator: Any, vae: Any, tokenizers: Any, encoders: Any, unet: Any
    ) -> None:
        self.trainer, self.args, self.accelerator, self.vae = trainer, args, accelerator, vae
        self.tokenizers, self.unet = tokenizers, accelerator.unwrap_model(unet)
        several = list(encoders) if isinstance(encoders, (list, tuple)) else [encoders]
        self.encoders = [accelerator.unwrap_model(encoder) for encoder in several]

    def draw_if_due(self, epoch: int | None, step: int) -> None:
        """Random state, devices and training modes are left as they were."""
        if not self.args.sample_prompts or not is_due(self.args, epoch, step):
            return
        prompts = read_prompts(Path(self.args.sample_prompts), train_util.line_to_prompt_dict)
        mine = prompts[self.accelerator.process_index :: self.accelerator.num_processes]
        folder = Path(self.args.output_dir) / "sample"
        folder.mkdir(parents=True, exist_ok=True)
        with torch.random.fork_rng(), torch.no_grad(), self._ready():
            for prompt in mine:
                now = time.strftime("%Y%m%d%H%M%S")
                path = folder / file_name(self.args.output_name, epoch, step, prompt, now)
                Image.fromarray(self._draw(prompt, self._scene(prompt))).save(path)
                print(f"sample: {path}", flush=True)

    @contextmanager
    def _ready(self) -> Iterator[None]:
        """VAE and text encoders on the device, dropout off."""
        moved = [self.vae, *self.encoders]
        places = [module.device for module in moved]
        prepared = self.accelerator._models
        modes = [model.training for model in prepared]
        for module in moved:
            module.to(self.accelerator.device)
        for model in prepared:
            model.eval()
        try:
            yield
        finally:
            for module, place in zip(moved, places, strict=True):
                module.to(place)
            for model, mode in zip(prepared, modes, strict=True):
                model.train(mode)

    def _scene(self, prompt: Prompt) -> Scene:
        if prompt.image and prompt.mask:
            return load_scene(prompt.image, prompt.mask)
        places = [(dataset, key) for dataset in self.trainer.scenes for key in dataset.mask_paths]
        dataset, key = places[prompt.number % len(places)]
        return Scene(dataset.image(key), dataset.mask(key))

    def _draw(self, prompt: Prompt, scene: Scene) -> np.ndarray:
        """uint8 [H, W, 3]: repainted under the mask, the scene's own pixels elsewhere."""
        device = self.accelerator.device
        pixels, hole = to_pixels(scene.image)[None].to(device), to_hole(scene.mask)[None].to(device)
        torch.manual_seed(int(time.time()) if prompt.seed is None else prompt.seed)
        shown = encode_now(self.vae, pixels * (1 - hole), 1)
        batch = {"inpaint_hole": shrink_hole(hole, shown.shape[-2:]), "inpaint_shown": shown, **_sizes(scene)}
        with self.accelerator.autocast():
            latents = self._denoise(prompt, batch, torch.randn(shown.shape).to(device))
        drawn = self.vae.decode((latents / self.trainer.vae_scale_factor).to(self.vae.dtype)).sample[0]
        rgb = ((drawn.float().cpu().clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        part = scene.mask[..., None].astype(np.float32) / 255
        return np.round(rgb * part + scene.image * (1 - part)).astype(np.uint8)

    def _denoise(self, prompt: Prompt, batch: dict[str, Any], noise: torch.Tensor) -> torch.Tensor:
        """Classifier-free guidance (Ho & Salimans 2022) along the sampler's timesteps."""
        sampler = prompt.sampler or self.args.sample_sampler
        scheduler = train_util.get_my_scheduler(sample_sampler=sampler, v_parameterization=False)
        if "clip_sample" in scheduler.config:
            scheduler.register_to_config(clip_sample=False)
        scheduler.set_timesteps(prompt.steps, device=noise.device)
        texts = [prompt.text, prompt.negative]
        conds = [
            encode_captions(self.trainer, self.args, self.accelerator, self.tokenizers, self.encoders, text)
            for text in texts
        ]
        latents = noise * scheduler.init_noise_sigma
        for timestep in scheduler.timesteps:
            seen = scheduler.scale_model_input(latents, timestep)
            asked, negative = (self._predict(seen, timestep, cond, batch) for cond in conds)
            latents = scheduler.step(
                negative + prompt.scale * (asked - negative), timestep, latents
            ).prev_sample
        return latents

    def _predict(self, seen: torch.Tensor, timestep: torch.Tensor, cond: Any, batch: Any) -> torch.Tensor:
        trainer = self.trainer
        steps = timestep.reshape(1).to(seen.device)
        return trainer.call_unet(
            self.args, self.accelerator, self.unet, seen, steps, cond, batch, trainer.weight_dtype
        ).float()


def load_scene(image: str, mask: str) -> Scene:
    """A picture and its mask, scaled and cut at the centre: both sides become multiples of `SIDE_STEP`."""
    with Image.open(image) as opened:
        picture = opened.convert("RGB")
    width, height = (max(SIDE_STEP, round(side / SIDE_STEP) * SIDE_STEP) for side in picture.size)
    marked = Image.fromarray(read_mask(mask))
    if marked.size != picture.size:
        raise RefusedError(f"{mask}: is not as large as its picture {image}.")
    fitted = [ImageOps.fit(one, (width, height), Image.Resampling.LANCZOS) for one in (picture, marked)]
    return Scene(np.array(fitted[0]), np.array(fitted[1])[..., 0].copy())


def _sizes(scene: Scene) -> dict[str, torch.Tensor]:
    """SDXL's conditioning: shown whole, at its own size."""
    size = torch.tensor([scene.image.shape[:2]])
    return {"original_sizes_hw": size, "crop_top_lefts": torch.zeros_like(size), "target_sizes_hw": size}
