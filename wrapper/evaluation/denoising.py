"""The denoising loss of a stage, as it was trained, on held-out images and on as many training images.

Noise and timesteps are the same for every checkpoint: what differs is the LoRA alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset_tools.files import data_hash
from dataset_tools.progress import Bar
from wrapper.evaluation.remembered import Remembered
from wrapper.evaluation.samples import SamplePicture
from wrapper.evaluation.subjects import Subject

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from wrapper.base_model.detect import BaseInfo
    from wrapper.trainer.model import Model

LOSSES = 1
"""Goes up when the loss is measured otherwise."""
HOLDOUT, TRAIN = "holdout", "train"
Losses = dict[str, dict[str, float]]
"""``holdout`` and ``train``: each image's mean loss by its name."""


@dataclass(frozen=True)
class LossSettings:
    """The keys of a run's training file that its loss hangs on. ``timesteps`` are how many an image gets."""

    masked_loss: bool
    masked_loss_normalize: bool
    min_snr_gamma: float
    clip_skip: int | None
    min_timestep: int
    max_timestep: int | None
    timesteps: int
    seed: int


@dataclass(frozen=True)
class Denoising:
    """The examination of one stage's subjects; ``pictures`` by set, ``facts`` are what all keys hold."""

    info: BaseInfo
    stage: str
    pictures: dict[str, Sequence[SamplePicture]]
    settings: LossSettings
    known: Remembered
    facts: Any
    rows: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    """What was encoded, by the picture's digest: the VAE is the same for all subjects."""

    def missing(self, subject: Subject) -> int:
        if subject.stage not in ("", self.stage) or self.losses(subject):
            return 0
        return self.settings.timesteps * sum(len(some) for some in self.pictures.values())

    def losses(self, subject: Subject) -> Losses | None:
        return self.known.get(self._key(subject))

    def examine(self, pipeline: Any, subject: Subject, bar: Bar) -> None:
        import torch

        model = model_of(pipeline, self.info)
        found: Losses = {}
        with torch.no_grad():
            for name, pictures in self.pictures.items():
                found[name] = {}
                for picture in pictures:
                    found[name][picture.name] = round(self._loss(model, picture), 6)
                    bar.advance(self.settings.timesteps, subject.name)
        self.known.put(self._key(subject), found)

    def _loss(self, model: Model, picture: SamplePicture) -> float:
        """The mean over evenly spread timesteps, each with noise of its own."""
        import torch

        from wrapper.trainer.loss import add_noise, masked_mean, min_snr_weight
        from wrapper.trainer.step import predict
        from wrapper.trainer.text import encode

        settings, count = self.settings, self.settings.timesteps
        row = {
            name: value.expand(count, *value.shape[1:]) for name, value in self._row(model, picture).items()
        }
        generator = torch.Generator().manual_seed(picture.seed(settings.seed))
        noise = torch.randn(row["latents"].shape, generator=generator).to(model.device)
        timesteps = spread_timesteps(settings, len(model.alphas_cumprod)).to(model.device)
        noising = add_noise(row["latents"], noise, model.alphas_cumprod, timesteps)
        text = encode(model, [picture.caption], settings.clip_skip)
        text = {name: value.expand(count, *value.shape[1:]) for name, value in text.items()}
        error = (predict(model, noising, row, text).float() - noise.float()) ** 2
        mask = row["mask"] if settings.masked_loss else None
        loss = masked_mean(error, mask, normalize=settings.masked_loss_normalize)
        if settings.min_snr_gamma:
            loss = loss * min_snr_weight(model.alphas_cumprod, timesteps, settings.min_snr_gamma)
        return float(loss.mean())

    def _row(self, model: Model, picture: SamplePicture) -> dict[str, Tensor]:
        if picture.digest not in self.rows:
            self.rows[picture.digest] = encode_row(model, picture, self.settings.seed)
        return self.rows[picture.digest]

    def _key(self, subject: Subject) -> str:
        weight = subject.lora.weight if subject.lora else 0
        digests = {name: [one.digest for one in some] for name, some in self.pictures.items()}
        who = [self.stage, subject.digest, weight]
        return data_hash(["denoising", LOSSES, self.facts, who, vars(self.settings), digests])


def spread_timesteps(settings: LossSettings, length: int) -> torch.Tensor:
    """The middles of ``timesteps`` equal parts of the trained range: 4 of 0..1000 are 125, 375, 625, 875."""
    import torch

    low, high = settings.min_timestep, settings.max_timestep or length
    part = (high - low) / settings.timesteps
    return torch.tensor([int(low + (place + 0.5) * part) for place in range(settings.timesteps)])


def model_of(pipeline: Any, info: BaseInfo) -> Model:
    """The trainer's view of an open pipeline, LoRAs and all."""
    from diffusers import DDPMScheduler

    from wrapper.trainer.model import Model

    schedule = DDPMScheduler.from_config(pipeline.scheduler.config)
    encoders = [pipeline.text_encoder, getattr(pipeline, "text_encoder_2", None)]
    tokenizers = [pipeline.tokenizer, getattr(pipeline, "tokenizer_2", None)]
    device = pipeline._execution_device
    return Model(
        info,
        pipeline.vae,
        pipeline.unet,
        [encoder for encoder in encoders if encoder is not None],
        [tokenizer for tokenizer in tokenizers if tokenizer is not None],
        schedule.alphas_cumprod.to(device),
        dict(schedule.config),
        device,
        pipeline.unet.dtype,
    )


@contextmanager
def _in_float32(vae: Any) -> Iterator[None]:
    """Half precision overflows in the VAE of SDXL."""
    import torch

    dtype = vae.dtype
    if dtype == torch.float32:
        yield
        return
    vae.float()
    try:
        yield
    finally:
        vae.to(dtype)


def encode_row(model: Model, picture: SamplePicture, seed: int) -> dict[str, Tensor]:
    """What the trainer feeds the U-Net with for one picture, each tensor [1, …]. The VAE runs in float32."""
    import torch
    from torch.nn import functional

    from wrapper.trainer.latents import encode_pixels

    generators = [torch.Generator().manual_seed(picture.seed(seed) + 1)]
    pixels = torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    mask = torch.from_numpy(picture.mask.copy())[None, None].float()
    height, width = picture.mask.shape
    with _in_float32(model.vae):
        latents = encode_pixels(model, pixels, generators)
        shown = encode_pixels(model, pixels * ~(mask >= 0.5), generators) if model.info.inpaint else None
    row = {"latents": latents, "mask": mask}
    if shown is not None:
        hole = functional.interpolate((mask >= 0.5).float(), size=latents.shape[-2:])
        row["masked"] = torch.cat([hole, shown], dim=1)
    row["time_ids"] = torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32)
    return {name: value.to(model.device) for name, value in row.items()}
