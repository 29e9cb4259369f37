"""What is kept of a picture to know its copies by: a digest, and a thumbnail of a few kilobytes."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import cv2
import numpy as np

from dataset_tools.pictures.images import Pixels
from dataset_tools.pictures.pyramid import Pyramid, pyramid

SIDE_PX = 128
LEAST_SIDE_PX = 192
THUMBNAIL_QUALITY = 90
FOLD = 4096 * 8
BAR_SPREAD = 6.0
"""Grey levels within a line of a bar."""
LEAST_INSIDE_PX = 40
"""Where less would be left than this of a thumbnail, it is a plain picture and has no bars."""


class Fingerprint(NamedTuple):
    """``digest``: of size and pixels; ``thumbnail``: a grey JPEG of `SIDE_PX` × `SIDE_PX`, aspect lost."""

    digest: str
    thumbnail: bytes


def fingerprint(rgb: Pixels, sizes: Pyramid | None = None) -> Fingerprint:
    """The fingerprint of uint8 [H, W, 3]; ``sizes`` are its smaller copies, where they are there already.

    The digest covers every pixel; chance collisions of its fold are told apart by the thumbnail.
    """
    rgb = np.ascontiguousarray(rgb)
    grey = _large_enough(sizes or pyramid(rgb))
    smooth = cv2.INTER_AREA if min(grey.shape) >= SIDE_PX else cv2.INTER_LINEAR
    small = cv2.resize(grey, (SIDE_PX, SIDE_PX), interpolation=smooth)
    digest = hashlib.sha256(str(rgb.shape).encode() + _folded(rgb) + small.tobytes())
    return Fingerprint(digest.hexdigest(), _packed(small))


def _large_enough(sizes: Pyramid) -> Pixels:
    """The smallest luma that is still averaged down, and not filled up, for the thumbnail."""
    smaller = (sizes.quarter, sizes.half)
    return next((one for one in smaller if min(one.shape) >= LEAST_SIDE_PX), sizes.luma)


def _folded(rgb: Pixels) -> bytes:
    """All bytes, `FOLD` at a time, laid over each other by exclusive or: any one that differs shows."""
    values = rgb.reshape(-1)
    whole = len(values) // FOLD * FOLD
    folded = np.bitwise_xor.reduce(values[:whole].view(np.uint64).reshape(-1, FOLD // 8), axis=0)
    return folded.tobytes() + values[whole:].tobytes()


def _packed(small: Pixels) -> bytes:
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY])
    return data.tobytes()


def thumbnail(print_: Fingerprint) -> Pixels:
    """uint8 [`SIDE_PX`, `SIDE_PX`], without plain bars at the sides: a framed copy is like its original."""
    grey = cv2.imdecode(np.frombuffer(print_.thumbnail, np.uint8), cv2.IMREAD_GRAYSCALE)
    inner = _without_bars(_without_bars(grey).T).T
    return cv2.resize(inner, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)


def _without_bars(lines: Pixels) -> Pixels:
    first, last = _bar(lines), len(lines) - _bar(lines[::-1])
    return lines[first:last] if last - first >= LEAST_INSIDE_PX else lines


def _bar(lines: Pixels) -> int:
    """Number of leading lines of one grey level, and the line where they are mixed with the picture."""
    values = lines.astype(np.float32)
    far = np.abs(values - values[0].mean()).max(axis=1) > 3 * BAR_SPREAD
    other = np.flatnonzero(far | (values.std(axis=1) > BAR_SPREAD))
    count = int(other[0]) if other.size else len(values)
    return count + 1 if count > 1 else 0
