"""What is in an image file: every pixel is decoded once, because sd-scripts does so and fails in mid-run."""

from __future__ import annotations

import stat
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.known_contents import Stamp, stamp_of
from dataset_tools.pictures.buckets import Size

if TYPE_CHECKING:
    from PIL import Image

MANY = 200
"""From so many images on a bar is shown."""
_DEEP = ("I", "F")
"""Pillow's modes of more than 8 bits begin so; sd-scripts clips them to 0…255."""
_ORIENTATION = 0x0112
_SMALL = (64, 64)


@dataclass(frozen=True)
class Decoded:
    """``size`` in pixels, ``listed`` the size that sd-scripts reads, ``fault`` why it cannot be read.

    ``alpha`` are the lowest and highest opacity, ``clipped`` says that its values go beyond 8 bits.
    """

    size: Size = (0, 0)
    listed: Size = (0, 0)
    fault: str = ""
    turned: bool = False
    frames: int = 1
    alpha: tuple[int, int] | None = None
    clipped: bool = False


class _Remembered:
    """What `each_decoded_once` keeps; None outside of it."""

    found: dict[Path, tuple[Stamp, Decoded]] | None = None


@contextmanager
def each_decoded_once() -> Iterator[None]:
    """While it is open, a file is decoded once, as long as it stays what it is."""
    _Remembered.found = {}
    try:
        yield
    finally:
        _Remembered.found = None


def decode_all(paths: Sequence[Path], description: str) -> dict[Path, Decoded]:
    """Decode all files in parallel threads; a bar on standard error where there are many."""
    from dataset_tools.progress import track
    from dataset_tools.system.side_by_side import side_by_side

    equal: dict[Decoded, Decoded] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd EXIF data: what matters is found out here
        results = side_by_side(_decode_unless_known, paths)
        decoded = track(results, description, len(paths)) if len(paths) >= MANY else results
        return {path: equal.setdefault(one, one) for path, one in zip(paths, decoded, strict=True)}


def _decode_unless_known(path: Path) -> Decoded:
    found = _Remembered.found
    stamp = stamp_of(path) if found is not None else None
    if found is None or stamp is None:
        return decode(path)
    known = found.get(path)
    if known is None or known[0] != stamp or not stamp.settled:
        known = found[path] = stamp, decode(path)
    return known[1]


def decode(path: Path) -> Decoded:
    """Read one file; never raises for what is wrong with it."""
    if fault := _no_file(path):
        return Decoded(fault=fault)
    from PIL import Image, UnidentifiedImageError

    faults = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, TypeError, IndexError)
    try:
        with Image.open(path) as image:
            return _decoded(image)
    except Image.DecompressionBombError:
        return Decoded(fault=f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels")
    except UnidentifiedImageError:
        return Decoded(fault="its content is of no known kind")
    except faults as error:
        return Decoded(fault=f"it is broken ({error})")


def _no_file(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "it is a link to nothing" if path.is_symlink() else "it cannot be read"
    if stat.S_ISDIR(status.st_mode):
        return "it is a folder"
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    return "" if status.st_size else "it is empty"


def _decoded(image: Image.Image) -> Decoded:
    turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    size, listed = image.size, _listed_size(image)
    frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
    image.draft("RGB", _SMALL)  # a JPEG is read whole, but at an eighth of its size
    image.load()
    return Decoded(
        size=size,
        listed=listed,
        turned=turned,
        frames=frames,
        alpha=_alpha(image),
        clipped=image.mode.startswith(_DEEP) and _maximum(image) > 255,
    )


def _listed_size(image: Image.Image) -> Size:
    """imagesize 1.4.1, which sd-scripts asks, finds extended WebP files a pixel too small."""
    if image.format != "WEBP" or image.fp is None:
        return image.size
    image.fp.seek(0)
    extended = image.fp.read(16)[12:] == b"VP8X"
    return (image.width - 1, image.height - 1) if extended else image.size


def _alpha(image: Image.Image) -> tuple[int, int] | None:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return None
    low, high = image.convert("RGBA").getchannel("A").getextrema()
    return int(low), int(high)  # type: ignore[arg-type]


def _maximum(image: Image.Image) -> float:
    highest = image.getextrema()[1]
    return float(highest if not isinstance(highest, tuple) else highest[1])
