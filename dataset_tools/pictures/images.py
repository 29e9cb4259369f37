"""Decoding, once: upright, sRGB, 8 bits, bounded. What cannot be decoded is a `UserError` with the path."""

from __future__ import annotations

import io
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from dataset_tools.errors import UserError
from dataset_tools.files import whole_file
from dataset_tools.system.system_faults import system_fault

Pixels = npt.NDArray[np.uint8]
MAX_PIXELS = 150_000_000
"""A larger picture is refused by its header, before it is decoded (450 MB as RGB)."""
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF", "PPM")

SPARSE_PIXELS, SPARSE = 40_000_000, 50
"""From so many pixels on, more than so many a byte of the file are not unpacked: it is a bomb, or blank."""
BAND_PIXELS = 4_000_000
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


@dataclass(frozen=True)
class Decoded:
    """A picture and what its file says about it. ``rgb`` is uint8 [H, W, 3]."""

    rgb: Pixels
    format: str
    quantisation: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """JPEG quantisation tables (8 × 8, row by row) by table number; empty for other formats."""


def decode(path: Path) -> Decoded:
    """The first frame, upright, as sRGB on white; UserError when there is no whole picture in the file."""
    with _opened(path, refuse_sparse) as image:
        tables = {number: tuple(table) for number, table in getattr(image, "quantization", {}).items()}
        format_name = image.format or ""
        return Decoded(np.asarray(as_rgb(upright(image))), format_name, tables)


def read_rgb(path: Path) -> Pixels:
    """uint8 [H, W, 3], upright, sRGB."""
    return decode(path).rgb


def read_mask(path: Path) -> Pixels:
    """uint8 [H, W], upright; 255 is the part to repaint. A transparent part is black."""
    with _opened(path) as image:
        return np.asarray(_flat(upright(image), "black").convert("L"))


def read_alpha(path: Path) -> Pixels | None:
    """uint8 [H, W], upright, 255 where the picture is opaque; None for one that cannot be transparent."""
    with _opened(path) as image:
        if image.mode not in _WITH_ALPHA and "transparency" not in image.info:
            return None
        return np.asarray(upright(image).convert("RGBA").getchannel("A"))


def save_png(path: Path, array: Pixels) -> None:
    """Write [H, W, 3] or [H, W] as a PNG, whole or not at all."""
    with whole_file(path) as temporary:
        Image.fromarray(np.ascontiguousarray(array)).save(temporary, format="PNG")


@contextmanager
def _opened(path: Path, *checks: Callable[[Path, Image.Image, int], None]) -> Iterator[Image.Image]:
    """An image that is a regular file, of a known format, within `MAX_PIXELS`, and decoded to its end.

    ``checks`` look at its header and its length in bytes first.
    """
    refuse_odd_file(path)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error
    with stream:
        yield _loaded(path, stream, checks)


def _loaded(
    path: Path, stream: BinaryIO, checks: Sequence[Callable[[Path, Image.Image, int], None]]
) -> Image.Image:
    with pillow_errors(path):
        image = open_header(path, stream)
        for check in checks:
            check(path, image, path.stat().st_size)
        image.load()
        return image


def refuse_sparse(path: Path, header: Image.Image, length: int) -> None:
    """Raise `UserError` for what unpacks to far more than its ``length`` in bytes. A mask may; no photograph.

    A JPEG cannot be told so: one that is blank has few bytes, too.
    """
    pixels = header.width * header.height
    if header.format != "JPEG" and pixels > max(SPARSE_PIXELS, SPARSE * length):
        raise UserError(
            f"{path}: {header.width} × {header.height} pixels in {length:,} bytes: not unpacked",
            "Make a smaller copy of the picture if it is one.",
        )


def open_header(path: Path, stream: BinaryIO) -> Image.Image:
    """The image in ``stream``, not decoded yet: of a known format and within `MAX_PIXELS`."""
    Image.init()
    image = Image.open(stream, formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path, f"{image.width} × {image.height} pixels, ")
    return image


@contextmanager
def pillow_errors(path: Path) -> Iterator[None]:
    """Whatever Pillow raises over a damaged file, or hands on of the system, becomes one `UserError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels decide here
            yield
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path, "") from error
    except Image.UnidentifiedImageError as error:
        raise UserError(
            f"{path}: not a picture of a known format", f"Known: {', '.join(FORMATS)}."
        ) from error
    except OSError as error:
        raise (damaged if system_fault(error) is None else unreadable)(path, error) from error
    except Exception as error:  # Pillow's readers raise errors of every kind on damaged files
        raise damaged(path, error) from error


def damaged(path: Path, cause: object) -> UserError:
    """The error for a file that ends too early or does not add up."""
    return UserError(f"{path}: damaged or cut short ({cause})", "Copy or export it again.")


def _too_large(path: Path, size: str) -> UserError:
    return UserError(f"{path}: {size}more than {MAX_PIXELS:,} pixels", "Make a smaller copy of the picture.")


def unreadable(path: Path, error: OSError) -> UserError:
    """The error for a file that the system does not give out."""
    return UserError(f"{path}: cannot be read ({error.strerror})")


def refuse_odd_file(path: Path) -> None:
    """A FIFO or a device would block or never end: look before opening."""
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path}: not a regular file")
    if status.st_size == 0:
        raise UserError(f"{path}: empty file (zero bytes)", "Copy it again.")


def upright(image: Image.Image) -> Image.Image:
    """Turned as the EXIF orientation says; a damaged EXIF block turns nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, TypeError, SyntaxError, KeyError, OverflowError):
        return image


def as_rgb(image: Image.Image) -> Image.Image:
    """8 bits a channel, its profile turned into sRGB, transparent parts on white."""
    profile = image.info.get("icc_profile")
    flat = _flat(image, "white")
    converted = _to_srgb(flat, profile) if profile else None
    return converted or flat.convert("RGB")


def _flat(image: Image.Image, ground: str) -> Image.Image:
    """8 bits a channel, no palette, no transparency: laid on ``ground``."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _eight_bits(image)
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, ground), rgba).convert("RGB")
    return image.convert("RGB") if image.mode in ("P", "1") else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 bits to 8; of wider modes, values that pass 255 are taken as 16 bits, others as they are.

    Fractions that do not pass 1 are taken as 0 … 1, what is no number as 0.
    """
    values = np.asarray(image)
    rows = max(1, BAND_PIXELS // image.width)
    bands = [slice(top, top + rows) for top in range(0, image.height, rows)]
    largest = max(float(_numbers(values[band]).max(initial=0)) for band in bands)
    scale = 255 / 65535 if image.mode.startswith("I;16") or largest > 255 else 1.0
    if image.mode == "F" and largest <= 1:
        scale = 255.0
    result = np.empty(values.shape, np.uint8)
    for band in bands:
        result[band] = np.clip(_numbers(values[band]) * scale, 0, 255).round()
    return Image.fromarray(result)


def _numbers(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # some kinds of "no number" are told of when they are widened
        return np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The colours of ``profile`` as sRGB, or None when the profile is damaged or is for other channels."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
