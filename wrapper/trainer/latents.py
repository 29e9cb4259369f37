"""Images and masks to what the U-Net sees: latents, the mask, and the latents of the masked image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from dataset_tools.errors import RunFailed
from dataset_tools.files import content_hash
from dataset_tools.pictures.mask_variants import Variant
from wrapper.trainer.data.batches import Sight, mix
from wrapper.trainer.data.cache import TensorCache, cache_key, weights_hash
from wrapper.trainer.data.samples import Sample, load_sample
from wrapper.trainer.model import Model

Row = dict[str, Tensor]
"""One picture: ``latents`` [4, h, w], ``time_ids`` [6]; with masks also ``mask`` [1, H, W] in 0 … 1 and, for
inpainting bases, ``masked`` [5, h, w] (the mask, then the masked image's latents)."""


class Encoder:
    """Encodes sights of pictures; with ``cache`` each is encoded once, else anew every time."""

    def __init__(self, model: Model, cache: TensorCache | None, *, need_mask: bool) -> None:
        self.model, self.cache, self.need_mask = model, cache, need_mask
        self.vae_hash = weights_hash(model.vae) if cache is not None else ""
        self.hashes: dict[Path, str] = {}
        self.keys: dict[tuple[Path, bool, Variant], str] = {}

    def prepare(self, sights: Sequence[Sight], batch_size: int) -> None:
        """Encode ``sights`` of one bucket that are not in the cache yet, ``batch_size`` at a time."""
        assert self.cache is not None
        missing = {key: sight for sight in sights if self.cache.find(key := self.key(sight)) is None}
        items = list(missing.items())
        for start in range(0, len(items), batch_size):
            keys, chunk = zip(*items[start : start + batch_size], strict=True)
            for key, row in zip(keys, self._encode(chunk, [mix(key) for key in keys]), strict=True):
                self.cache.put(key, row)

    def batch(self, sights: Sequence[Sight], seed: int) -> Row:
        """The sights' rows stacked, on the device. Without a cache ``seed`` draws the VAE's samples."""
        if self.cache is None:
            rows = self._encode(sights, [mix(seed, place) for place in range(len(sights))])
        else:
            self.prepare(sights, len(sights))
            rows = [self.cache.memory[self.key(sight)] for sight in sights]
        return {name: torch.stack([row[name] for row in rows]).to(self.model.device) for name in rows[0]}

    def key(self, sight: Sight) -> str:
        """Of the contents of image, mask and VAE, of size, crop, flip, precision and the mask's variant."""
        place = (sight.picture.image, sight.flipped, sight.variant)
        if place not in self.keys:
            self.keys[place] = self._key(sight)
        return self.keys[place]

    def _key(self, sight: Sight) -> str:
        picture = sight.picture
        varied = self.need_mask and sight.change.active
        return cache_key(
            what="latents",
            image=self._hash(picture.image),
            mask=self._hash(picture.mask) if self.need_mask and picture.mask else None,
            need_mask=self.need_mask,
            inpaint=self.model.info.inpaint,
            vae=self.vae_hash,
            precision=str(self.model.vae.dtype),
            bucket=picture.placement.bucket,
            resized=picture.placement.resized,
            flipped=sight.flipped,
            **({"change": asdict(sight.change), "variant": asdict(sight.variant)} if varied else {}),
        )

    def _hash(self, path: Path) -> str:
        if path not in self.hashes:
            self.hashes[path] = content_hash(path)
        return self.hashes[path]

    def _encode(self, sights: Sequence[Sight], seeds: Sequence[int]) -> list[Row]:
        samples = [load_sample(sight, need_mask=self.need_mask) for sight in sights]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        pixels = torch.stack([_pixels(sample) for sample in samples])
        latents = encode_pixels(self.model, pixels, generators)
        masked = self._masked(samples, pixels, latents, generators) if self.model.info.inpaint else None
        return [
            _row(sample, latents[place], None if masked is None else masked[place])
            for place, sample in enumerate(samples)
        ]

    def _masked(
        self, samples: Sequence[Sample], pixels: Tensor, latents: Tensor, generators: list[torch.Generator]
    ) -> Tensor:
        """[B, 5, h, w]: the mask at the latents' size, then the latents of the image with the hole grey.

        As diffusers' inpainting pipelines make them: binary at one half, nearest neighbour.
        """
        hole = torch.stack([_mask(sample) >= 0.5 for sample in samples])
        shown = encode_pixels(self.model, pixels * ~hole, generators)
        return torch.cat([functional.interpolate(hole.float(), size=latents.shape[-2:]), shown], dim=1)


def encode_pixels(model: Model, pixels: Tensor, generators: list[torch.Generator]) -> Tensor:
    """Scaled latents [B, 4, h, w] of ``pixels`` [B, 3, H, W] in −1 … 1, float32, on the CPU.

    One generator a picture draws the sample, so that it does not hang on the batch.
    """
    with torch.no_grad():
        moments = model.vae.encode(pixels.to(model.device, model.vae.dtype)).latent_dist
    mean, std = moments.mean.float().cpu(), moments.std.float().cpu()
    noise = torch.stack([torch.randn(mean.shape[1:], generator=generator) for generator in generators])
    latents = (mean + std * noise) * model.vae.config.scaling_factor
    if not torch.isfinite(latents).all():
        raise RunFailed("The VAE gave values that are not finite.", "Set no_half_vae = true.")
    return latents


def _pixels(sample: Sample) -> Tensor:
    return torch.from_numpy(sample.image.copy()).permute(2, 0, 1).float() / 127.5 - 1


def _mask(sample: Sample) -> Tensor:
    assert sample.mask is not None
    return torch.from_numpy(sample.mask.copy()).float()[None] / 255


def _row(sample: Sample, latents: Tensor, masked: Tensor | None) -> Row:
    row = {"latents": latents, "time_ids": torch.tensor(sample.time_ids, dtype=torch.float32)}
    if sample.mask is not None:
        row["mask"] = _mask(sample)
    if masked is not None:
        row["masked"] = masked
    return row
