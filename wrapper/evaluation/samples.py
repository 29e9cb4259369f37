"""Pictures with captions and masks to measure the denoising loss on: held out, and trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.building.dataset import BuiltDataset
from dataset_tools.system.left_by_systems import visible

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SamplePicture:
    """``pixels`` uint8 [H, W, 3]; ``mask`` bool [H, W], True where it is repainted (all without one)."""

    name: str
    pixels: np.ndarray
    mask: np.ndarray
    caption: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that is in it."""
        parts = [self.pixels.tobytes(), self.mask.tobytes(), repr(self.pixels.shape).encode()]
        return sha256(b"".join([*parts, self.caption.encode()])).hexdigest()

    def seed(self, seed: int) -> int:
        """The seed of the picture's noise: of its contents, so that it is the same in every evaluation."""
        return int(sha256(f"{seed} {self.digest}".encode()).hexdigest()[:12], 16)


def held_out_samples(
    built: BuiltDataset, folder: Path, count: int, *, need_mask: bool
) -> list[SamplePicture]:
    """The first ``count`` (0: all) held-out images, those with masks only where the loss needs them."""
    held = [one for one in built.holdout if one.mask or not need_mask]
    return [
        _read(one.name, folder / one.image, folder / one.mask if one.mask else None, one.caption)
        for one in held[: count or None]
    ]


def training_samples(built: BuiltDataset, folder: Path, stage: str, count: int) -> list[SamplePicture]:
    """``count`` of the images that ``stage`` was trained on, spread evenly over all of its folders."""
    files = [
        (path, folder / subset.mask_dir / path.name if subset.mask_dir else None)
        for subset in built.stages.get(stage, ())
        if not subset.is_reg
        for path in sorted(visible((folder / subset.image_dir).glob("*.png")))
    ]
    places = _evenly(len(files), count)
    return [_read(path.stem, path, mask, _caption(path)) for path, mask in (files[place] for place in places)]


def _evenly(length: int, count: int) -> Sequence[int]:
    """``_evenly(10, 3)`` → 1, 5, 8."""
    count = min(length, count)
    return [(2 * place + 1) * length // (2 * count) for place in range(count)]


def _caption(image: Path) -> str:
    """What the trainer reads: the first line of NAME.txt."""
    lines = image.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    return lines[0].strip() if lines else ""


def _read(name: str, image: Path, mask: Path | None, caption: str) -> SamplePicture:
    import numpy as np

    from dataset_tools.pictures.images import read_mask, read_rgb
    from wrapper.diffusion.inpainting.region import MASKED

    pixels = read_rgb(image)
    white = read_mask(mask) >= MASKED if mask else np.ones(pixels.shape[:2], bool)
    return SamplePicture(name, pixels, white, caption)
