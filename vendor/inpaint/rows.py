"""What a dataset's pictures and masks become, encoded once: a row a picture and side (as it is, mirrored)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from library import train_util
from torch import Tensor
from tqdm import tqdm

from inpaint.cache import Row, RowCache, file_hash, row_key
from inpaint.encode import encode, shrink_hole, shrink_weight, to_hole, to_pixels, to_weight
from inpaint.variants import Variant, pool, vary

Place = tuple[str, bool]
"""A picture's key in the dataset, and whether it is mirrored."""


@dataclass(frozen=True)
class Keep:
    """``folder`` of the cache's files, None for memory; pictures that the VAE encodes at once."""

    folder: Path | None = None
    batch_size: int = 1


class Rows:
    """The cached rows of one dataset: ``latents`` [4, h, w] of the picture, and for each of V variants of its

    mask ``hole`` and ``weight`` [V, 1, h, w] and ``shown`` [V, 4, h, w], the latents of the picture without
    its hole. Latents are unscaled.
    """

    def __init__(self, dataset: Any, vae: str, precision: str, keep: Keep) -> None:
        self.dataset, self.keep = dataset, keep
        self.cache = RowCache(keep.folder)
        self.pool: list[Variant] = pool(dataset.inpaint.change)
        places = self._places()
        hashes = {key: self._hashes(key) for key in tqdm(sorted({key for key, _ in places}), desc="contents")}
        self.keys = {place: self._key(place, hashes[place[0]], vae, precision) for place in places}

    def _hashes(self, key: str) -> tuple[str, str]:
        """Of a picture's file and of its mask's."""
        return file_hash(self.dataset.image_data[key].absolute_path), file_hash(self.dataset.mask_paths[key])

    def _places(self) -> list[Place]:
        """Sorted by size, so that progress is even."""
        data = self.dataset.image_data
        order = sorted(data, key=lambda key: (data[key].bucket_reso[0] * data[key].bucket_reso[1], key))
        return [
            (key, flipped)
            for key in order
            for flipped in ((False, True) if self.dataset.image_to_subset[key].flip_aug else (False,))
        ]

    def _key(self, place: Place, hashes: tuple[str, str], vae: str, precision: str) -> str:
        key, flipped = place
        info = self.dataset.image_data[key]
        return row_key(
            image=hashes[0],
            mask=hashes[1],
            bucket=list(info.bucket_reso),
            resized=list(info.resized_size),
            interpolation=getattr(info, "resize_interpolation", None),
            flipped=flipped,
            change=asdict(self.dataset.inpaint.change),
            normalize=self.dataset.inpaint.masked_loss_normalize,
            vae=vae,
            precision=precision,
        )

    def encode(self, vae: Any, share: slice) -> None:
        """Encode what is in no cache yet, of this process's ``share`` of the places."""
        places = [place for place in list(self.keys)[share] if not self.cache.has(self.keys[place])]
        for place in tqdm(places, desc="latents of pictures and masks", disable=not places):
            self.cache.put(self.keys[place], self._row(vae, place))
        found = len(list(self.keys)[share]) - len(places)
        print(f"latents: {len(places)} encoded with {len(self.pool)} masks each, {found} found", flush=True)

    def _row(self, vae: Any, place: Place) -> Row:
        key, flipped = place
        image, mask = self.dataset.image(key), self.dataset.mask(key)
        if flipped:
            image, mask = image[:, ::-1], mask[:, ::-1]
        masks = [vary(mask, self.dataset.inpaint.change, variant) for variant in self.pool]
        pixels, holes = to_pixels(image), torch.stack([to_hole(one) for one in masks])
        seeds = [int(self.keys[place][:15], 16)] * (len(masks) + 1)
        seen = torch.cat([pixels[None], pixels * (1 - holes)])
        latents, *shown = encode(vae, seen, seeds, self.keep.batch_size)
        return {
            "latents": latents.clone(),
            "shown": torch.stack(shown),
            "hole": shrink_hole(holes, latents.shape[-2:]),
            "weight": shrink_weight(self._weights(masks), latents.shape[-2:]),
        }

    def _weights(self, masks: Sequence[np.ndarray]) -> Tensor:
        normalize = self.dataset.inpaint.masked_loss_normalize
        return torch.stack([to_weight(mask, normalize=normalize) for mask in masks])

    def attach(self, key: str) -> None:
        """Put a picture's latents where sd-scripts' dataset looks for them."""
        info = self.dataset.image_data[key]
        info.latents = self.cache.get(self.keys[key, False])["latents"]
        if (key, True) in self.keys:
            info.latents_flipped = self.cache.get(self.keys[key, True])["latents"]
        info.latents_original_size = info.image_size
        info.latents_crop_ltrb = train_util.BucketManager.get_crop_ltrb(info.bucket_reso, info.image_size)

    def seen(self, key: str, flipped: bool, variant: Variant) -> Row:
        """``hole``, ``weight`` and ``shown`` of one sight."""
        row = self.cache.get(self.keys[key, flipped])
        place = self.pool.index(variant)
        return {name: row[name][place] for name in ("hole", "weight", "shown")}
