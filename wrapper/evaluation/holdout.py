"""The held-out images of a built dataset, read once, with their masks and holes."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from dataset_tools.building.dataset import BuiltDataset, HeldOut

GREY = 128
"""The hole's value: the middle of 0..255, and 0 in the model's -1..1."""


@dataclass(frozen=True)
class HeldOutImage:
    """``pixels`` uint8 [H, W, 3], ``mask`` bool [H, W] (True = repaint)."""

    name: str
    pixels: np.ndarray
    mask: np.ndarray
    caption: str
    negative: str

    @property
    def digest(self) -> str:
        """SHA-256 of all that is in it."""
        parts = [self.pixels.tobytes(), self.mask.tobytes(), repr(self.pixels.shape).encode()]
        told = "\0".join((self.caption, self.negative)).encode()
        return sha256(b"".join([*parts, told])).hexdigest()

    @property
    def hole(self) -> np.ndarray:
        """The image with its masked pixels grey."""
        return self.filled(self.pixels * 0 + GREY)

    def filled(self, picture: np.ndarray) -> np.ndarray:
        """The image with its masked pixels from ``picture``, all others untouched."""
        import numpy as np

        return np.where(self.mask[..., None], picture, self.pixels)


def read_holdout(built: BuiltDataset, folder: Path, count: int = 0) -> list[HeldOutImage]:
    """The first ``count`` (0 = all) held-out images with masks. Raises `UserError` when there is none."""
    masked = [held for held in built.holdout if held.mask]
    if not masked:
        raise UserError(
            f"{folder}: no held-out image with a mask, so there is nothing to score.",
            'Set dataset.holdout, or "split": "holdout" in the manifest, and build again.',
        )
    return [_read(held, folder) for held in masked[: count or None]]


def _read(held: HeldOut, folder: Path) -> HeldOutImage:
    from dataset_tools.pictures.images import read_mask, read_rgb
    from wrapper.diffusion.inpainting.region import MASKED, check_mask

    pixels, mask = read_rgb(folder / held.image), read_mask(folder / str(held.mask))
    check_mask(pixels, mask)
    return HeldOutImage(held.name, pixels, mask >= MASKED, held.caption, held.negative)
