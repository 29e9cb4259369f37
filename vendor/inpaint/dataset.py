"""sd-scripts' DreamBooth dataset with a mask beside every picture.

Being a `DreamBoothDataset` itself (sd-scripts' ControlNet dataset only wraps one), it counts epochs, drops
captions and fills the metadata as that one does.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from library import train_util
from torch import Tensor
from tqdm import tqdm

from inpaint.cache import vae_hash
from inpaint.encode import to_hole, to_weight
from inpaint.options import Options
from inpaint.pairs import pair, read_mask, turned
from inpaint.refusal import RefusedError, refuse_all
from inpaint.rows import Keep, Rows
from inpaint.variants import Variant, choose, vary


class InpaintDataset(train_util.DreamBoothDataset):
    """Batches gain ``inpaint_hole`` [B, 1, H, W], and for a masked loss ``conditioning_images`` in −1 … 1.

    With cached latents the hole is [B, 1, h, w], and ``inpaint_shown`` [B, 4, h, w] holds the latents of the
    picture without its hole, unscaled. Keys of newer sd-scripts (``masks``, ``masked_images``) are avoided.
    """

    options: ClassVar[Options] = Options()
    masked_loss: ClassVar[bool] = False
    keep: ClassVar[Keep] = Keep()

    def __init__(self, subsets: Sequence[Any], **values: Any) -> None:
        if values.get("validation_split"):
            raise RefusedError("'validation_split' does not go with masks: use `lorawrap evaluate`.")
        # a worker that is spawned, not forked, knows only what the instance holds
        self.inpaint, self.weighs_loss = type(self).options, type(self).masked_loss
        self.rows: Rows | None = None
        values |= {"prior_loss_weight": 1.0, "is_training_dataset": True}
        super().__init__([_plain(subset) for subset in subsets], **_known(super().__init__, values))
        self.mask_paths = self._pair({subset.image_dir: subset.conditioning_data_dir for subset in subsets})

    def _pair(self, mask_folders: Mapping[str, str]) -> dict[str, str]:
        problems: list[str] = []
        found: dict[str, str] = {}
        for image_folder, mask_folder in mask_folders.items():
            images = [key for key in self.image_data if self.image_to_subset[key].image_dir == image_folder]
            found |= pair(images, mask_folder, problems)
        refuse_all(problems)
        if on_side := turned(found):
            print(f"warning: the EXIF orientation of {len(on_side)} pictures is not honoured: {on_side[0]}")
        return found

    def set_tag_frequency(self, dir_name: str, captions: Sequence[str]) -> None:
        """Captions stay out of the LoRA's metadata unless they are asked for."""
        if self.inpaint.metadata_tag_frequency:
            super().set_tag_frequency(dir_name, captions)

    def make_buckets(self) -> None:
        """As upstream; then every mask is looked at: it must have something white at the training size."""
        super().make_buckets()
        paths = tqdm(self.mask_paths.items(), desc="masks")
        empty = [path for key, path in paths if not to_hole(self.mask(key)).any()]
        refuse_all([f"{path}: has no white pixel at the training size, nothing to repaint" for path in empty])

    def image(self, key: str) -> np.ndarray:
        """uint8 [H, W, 3], resized and cut to its bucket."""
        return self._fit(key, train_util.load_image(self.image_data[key].absolute_path))[0]

    def mask(self, key: str) -> np.ndarray:
        """uint8 [H, W], by the very call that resizes and cuts its picture."""
        return np.ascontiguousarray(self._fit(key, read_mask(self.mask_paths[key]))[0][..., 0])

    def _fit(self, key: str, pixels: np.ndarray) -> tuple[np.ndarray, Any, Any]:
        """(pixels, original size, crop box) of sd-scripts' own resizing."""
        info = self.image_data[key]
        fit = train_util.trim_and_resize_if_required
        more = {"resize_interpolation": getattr(info, "resize_interpolation", None)}
        return fit(False, pixels, info.bucket_reso, info.resized_size, **_known(fit, more))

    def new_cache_latents(self, model: Any, accelerator: Any) -> None:
        """sd-scripts from v0.10 calls this to cache latents: on disk, each process encodes its share."""
        shared = self.keep.folder is not None
        share = slice(accelerator.process_index, None, accelerator.num_processes) if shared else slice(None)
        self._cache(model, share)

    def cache_latents(
        self, vae: Any, vae_batch_size: int = 1, cache_to_disk: bool = False, is_main_process: bool = True
    ) -> None:
        """sd-scripts v0.9 calls this to cache latents: on disk, the main process encodes all of them."""
        self._cache(vae, slice(None) if is_main_process or not cache_to_disk else slice(0))

    def _cache(self, vae: Any, share: slice) -> None:
        self.rows = Rows(self, vae_hash(vae), str(vae.dtype), self.keep)
        self.rows.encode(vae, share)

    def __getitem__(self, index: int) -> dict[str, Any]:
        place = self.buckets_indices[index]
        first = place.batch_index * place.bucket_batch_size
        bucket = self.bucket_manager.buckets[place.bucket_index]
        keys = bucket[first : first + place.bucket_batch_size]
        if self.rows is not None:
            for key in keys:
                self.rows.attach(key)
        example = super().__getitem__(index)
        example |= self._seen(keys, example["flippeds"])
        return example

    def _seen(self, keys: Sequence[str], flipped: Sequence[bool]) -> dict[str, Tensor]:
        pooled = self.rows is not None
        variants = [choose(self.inpaint.change, random, pooled=pooled) for _ in keys]
        make = self._masks if self.rows is None else self.rows.seen
        rows = [make(*one) for one in zip(keys, flipped, variants, strict=True)]
        batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        weight = batch.pop("weight")
        if self.weighs_loss:
            batch["conditioning_images"] = weight * 2 - 1
        return {
            name if name.startswith("cond") else f"inpaint_{name}": value for name, value in batch.items()
        }

    def _masks(self, key: str, flipped: bool, variant: Variant) -> dict[str, Tensor]:
        mask = self.mask(key)
        mask = vary(mask[:, ::-1] if flipped else mask, self.inpaint.change, variant)
        return {
            "hole": to_hole(mask),
            "weight": to_weight(mask, normalize=self.inpaint.masked_loss_normalize),
        }


def _plain(subset: Any) -> Any:
    """The DreamBooth subset of a ControlNet one."""
    values = {**vars(subset), "is_reg": False, "class_tokens": None, "alpha_mask": False}
    return train_util.DreamBoothSubset(**_known(train_util.DreamBoothSubset.__init__, values))


def _known(function: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that this version's ``function`` takes."""
    names = inspect.signature(function).parameters
    return {name: value for name, value in values.items() if name in names}
