"""A photograph to be repainted: its pixels upright in its own colours, and what travels with them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

ORIENTATION_TAG = 0x0112
BROKEN_EXIF = (OSError, ValueError, TypeError, SyntaxError, KeyError, OverflowError)
"""What Pillow raises on damaged EXIF blocks; such a block turns nothing and is not carried along."""


@dataclass(frozen=True)
class Photograph:
    """``pixels`` uint8 [H, W, 3] upright; ``alpha`` uint8 [H, W] or None; ``exif`` without orientation."""

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None


def read_photograph(path: Path) -> Photograph:
    """Decode ``path`` without converting its colours. Raises `UserError` for what is not a whole image."""
    import numpy as np
    from PIL import Image

    from dataset_tools.pictures.images import FORMATS, read_rgb

    read_rgb(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata; `read_rgb` has judged the file
        with Image.open(path, formats=FORMATS) as file:
            upright, exif = _upright(file)
            return Photograph(
                pixels=np.asarray(_as_rgb(upright)),
                alpha=_alpha(upright),
                icc_profile=file.info.get("icc_profile") if file.mode in ("RGB", "RGBA", "P") else None,
                exif=exif,
            )


def _upright(file: Image.Image) -> tuple[Image.Image, bytes | None]:
    """The picture turned as its EXIF says, and the EXIF that is then true."""
    from PIL import ImageOps

    try:
        upright = ImageOps.exif_transpose(file)
        exif = file.getexif()
        exif.pop(ORIENTATION_TAG, None)
        return upright, exif.tobytes() if len(exif) else None
    except BROKEN_EXIF:
        return file, None


def _as_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB; 16-bit grey is scaled down instead of cut off."""
    if not image.mode.startswith("I"):
        return image.convert("RGB")
    import numpy as np
    from PIL import Image

    return Image.fromarray((np.asarray(image).astype("uint32") >> 8).astype("uint8")).convert("RGB")


def _alpha(image: Image.Image) -> np.ndarray | None:
    import numpy as np

    if not image.has_transparency_data:
        return None
    return np.asarray(image.convert("RGBA").getchannel("A"))
