"""What a mask shows: how white it is, where, and whether that is what a trainer reads of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wrapper.kohya.checks.decode import Decoded, decode

if TYPE_CHECKING:
    from PIL import Image

_SMALL = 128
_WHITE = 128
_GREY = (32, 224)
_COLOURFUL = 24


@dataclass(frozen=True)
class Mask:
    """Shares are of the pixels, 0 to 1; values are 0 to 255.

    ``white`` is the share that is learned, ``border`` that share at the picture's edges, ``grey`` the share
    between black and white. ``coloured``: the channels differ. ``in_alpha``: only its opacity varies.
    """

    file: Decoded
    lowest: int = 0
    highest: int = 0
    white: float = 0.0
    border: float = 0.0
    grey: float = 0.0
    coloured: bool = False
    in_alpha: bool = False

    @property
    def looks_inverted(self) -> bool:
        """White all along the edges and over most of the picture, with something black within."""
        return self.border > 0.9 and 0.5 < self.white < 0.98


def look_at_masks(paths: Sequence[Path], *, red_only: bool) -> list[Mask]:
    """Look at every mask, in parallel. ``red_only`` as sd-scripts' masked loss reads them; else as greys."""
    from dataset_tools.system.side_by_side import side_by_side

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd EXIF data
        return list(side_by_side(lambda path: look_at_mask(path, red_only=red_only), paths))


def look_at_mask(path: Path, *, red_only: bool) -> Mask:
    file = decode(path)
    if file.fault:
        return Mask(file)
    from PIL import Image

    with Image.open(path) as image:
        return _seen(file, image, red_only=red_only)


def _seen(file: Decoded, image: Image.Image, *, red_only: bool) -> Mask:
    import numpy as np

    colours = np.asarray(image.convert("RGB"))
    values = colours[..., 0] if red_only else np.asarray(_on_black(image).convert("L"))
    steps = max(1, values.shape[0] // _SMALL), max(1, values.shape[1] // _SMALL)
    small = values[:: steps[0], :: steps[1]]
    white = small >= _WHITE
    edges = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
    spread = np.ptp(colours[:: steps[0], :: steps[1]], axis=-1)
    flat = bool(colours.max() == colours.min())
    return Mask(
        file,
        lowest=int(values.min()),
        highest=int(values.max()),
        white=float(white.mean()),
        border=float(edges.mean()),
        grey=float(((small > _GREY[0]) & (small < _GREY[1])).mean()),
        coloured=bool((spread > _COLOURFUL).mean() > 0.01),
        in_alpha=flat and file.alpha is not None and file.alpha[0] != file.alpha[1],
    )


def _on_black(image: Image.Image) -> Image.Image:
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
