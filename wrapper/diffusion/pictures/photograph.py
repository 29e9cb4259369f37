"""A photograph to be repainted: its pixels upright in its own colours, and what travels with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

ORIENTATION_TAG = 0x0112
BROKEN_EXIF = (OSError, ValueError, TypeError, SyntaxError, KeyError, OverflowError)
"""What Pillow raises on damaged EXIF blocks; such a block turns nothing and is not carried along."""
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
OWN_COLOURS = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", *GREY_MODES)
"""Modes whose numbers are taken as they are, so that their colour profile stays true."""
BAND_PIXELS = 1 << 22
"""Pixels that are turned into an array at a time: a photograph is never in memory three times over."""
_AS_STORED: Mapping[int, Callable[[Any], Any]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}
"""An upright array [H, W, …] seen as the file stores it, by EXIF orientation."""
_LYING = (5, 6, 7, 8)


@dataclass(frozen=True)
class Photograph:
    """``pixels`` uint8 [H, W, 3] upright; ``alpha`` uint8 [H, W] or None; ``exif`` without orientation.

    A ``grey`` one has three equal channels and is saved with one. ``notes`` are sentences about what of
    the file cannot be kept.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None
    grey: bool = False
    notes: tuple[str, ...] = ()


def read_photograph(path: Path) -> Photograph:
    """Decode ``path`` without converting its colours. Raises `UserError` for what is not a whole image.

    Only what no RGB picture of 8 bits can say is converted: CMYK and the like to sRGB, 16 bits to 8.
    """
    from dataset_tools.pictures.images import (
        open_header,
        pillow_errors,
        refuse_odd_file,
        refuse_sparse,
        unreadable,
    )

    refuse_odd_file(path)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error
    with stream, pillow_errors(path):
        file = open_header(path, stream)
        refuse_sparse(path, file, path.stat().st_size)
        notes = tuple(_notes(file))
        file.load()
        orientation, exif = _turned(file)
        return Photograph(
            pixels=_upright(file, orientation, _as_rgb, (3,)),
            alpha=_upright(file, orientation, _alpha, ()) if file.has_transparency_data else None,
            icc_profile=file.info.get("icc_profile") if file.mode in OWN_COLOURS else None,
            exif=exif,
            grey=file.mode in GREY_MODES,
            notes=notes,
        )


def _notes(file: Image.Image) -> list[str]:
    notes = []
    if file.mode not in OWN_COLOURS:
        notes.append(f"{file.mode} colours become sRGB: the models paint in RGB.")
    if any(";16" in str(tile.args) for tile in file.tile) or file.mode in ("I", "F"):
        notes.append("More than 8 bits a channel become 8: the models paint no finer.")
    if file.mode in ("1", "P", "PA"):
        notes.append("Colours of a palette become full ones, each the same as before.")
    if getattr(file, "n_frames", 1) > 1:
        notes.append(f"Only the first of {file.n_frames} frames is painted and kept.")  # type: ignore[attr-defined]
    return notes


def _turned(file: Image.Image) -> tuple[int, bytes | None]:
    """The EXIF orientation (1 is upright), and the EXIF that is true of the upright picture."""
    try:
        exif = file.getexif()
        orientation = exif.pop(ORIENTATION_TAG, 1)
        return orientation, exif.tobytes() if len(exif) else None
    except BROKEN_EXIF:
        return 1, None


def _upright(
    file: Image.Image,
    orientation: int,
    values: Callable[[Image.Image], np.ndarray],
    channels: tuple[int, ...],
) -> np.ndarray:
    """``values`` of ``file``, band by band, as one upright uint8 array [H, W, …] of these channels."""
    import numpy as np

    size = (file.width, file.height) if orientation in _LYING else (file.height, file.width)
    result = np.empty((*size, *channels), np.uint8)
    stored = _AS_STORED.get(orientation, lambda upright: upright)(result)
    rows = file.height if file.mode == "F" else max(1, BAND_PIXELS // file.width)
    for top in range(0, file.height, rows):
        bottom = min(top + rows, file.height)
        stored[top:bottom] = values(file.crop((0, top, file.width, bottom)))
    return result


def _as_rgb(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, 3]; 16-bit grey is scaled down instead of cut off."""
    import numpy as np

    from dataset_tools.pictures.images import as_rgb

    if image.mode.startswith("I"):
        grey = (np.asarray(image).astype("uint32") >> 8).astype("uint8")
        return np.repeat(grey[..., None], 3, axis=2)
    own = image.mode in OWN_COLOURS and image.mode != "F"
    return np.asarray(image.convert("RGB") if own else as_rgb(image))


def _alpha(image: Image.Image) -> np.ndarray:
    import numpy as np

    has_channel = image.mode in ("RGBA", "LA", "PA")
    return np.asarray((image if has_channel else image.convert("RGBA")).getchannel("A"))
