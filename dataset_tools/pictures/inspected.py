"""Decoding in order to measure: fast, smaller where the picture is large, strict about damage."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from dataset_tools.pictures.images import (
    MAX_PIXELS,
    Pixels,
    as_rgb,
    damaged,
    open_header,
    pillow_errors,
    refuse_odd_file,
    refuse_sparse,
    unreadable,
    upright,
)
from dataset_tools.pictures.jpeg_header import JpegHeader, read_jpeg_header
from dataset_tools.pictures.pyramid import Pyramid, pyramid, reduction_of

MOST_BY_DECODER = 8
PADDING = 8
"""So many bytes too many before the end of a JPEG are a writer's habit and no damage."""
PNG_END, PNG_TAIL = b"\x00\x00\x00\x00IEND\xaeB`\x82", 64
"""A PNG's last chunk, and where to look for it first."""
LYING = (5, 6, 7, 8)
_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}
"""EXIF orientation → quarter turns to the left, then mirrored or not."""


@dataclass(frozen=True)
class Inspected:
    """A picture to measure. ``rgb`` is uint8 [H, W, 3]; ``width`` and ``height`` are the whole picture's."""

    rgb: Pixels
    width: int
    height: int
    quantisation: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """JPEG quantisation tables (8 × 8, row by row) by table number; empty for other formats."""

    @cached_property
    def sizes(self) -> Pyramid:
        """The picture and its smaller copies, made once."""
        return pyramid(self.rgb)


def decode_to_inspect(path: Path, data: bytes | None = None) -> Inspected:
    """The first frame, upright; UserError when there is no whole picture in the file.

    ``data`` are the bytes of the file, where they have been read already. A JPEG's damaged or missing scan
    data is an error too: libjpeg itself would fill it up with grey. Profiles of JPEGs are left alone, for no
    measure is about colours that exact.
    """
    data = read_picture(path) if data is None else data
    plain = read_jpeg_header(data)
    if plain and plain.width * plain.height <= MAX_PIXELS:
        return _jpeg(path, data, plain)
    with pillow_errors(path):
        header = open_header(path, io.BytesIO(data))
        if header.format == "PNG" and PNG_END not in data[-PNG_TAIL:] and PNG_END not in data:
            raise damaged(path, "it has no end")
        refuse_sparse(path, header, len(data))
        header.load()
        return _any(header)


def read_picture(path: Path) -> bytes:
    """The bytes of a file; UserError for what is no regular file, empty or not readable."""
    refuse_odd_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def _any(image: Image.Image) -> Inspected:
    """``image``, which Pillow has decoded."""
    image = upright(image)
    factor = reduction_of(min(image.size))
    rgb = as_rgb(image)
    return Inspected(np.asarray(rgb.reduce(factor) if factor > 1 else rgb), image.width, image.height)


def _jpeg(path: Path, data: bytes, header: JpegHeader) -> Inspected:
    width, height = header.width, header.height
    factor = min(reduction_of(min(width, height)), MOST_BY_DECODER)
    pixels = _turned(_decoded(path, data, -(-height // factor)), header.orientation)
    if header.orientation in LYING:
        width, height = height, width
    return Inspected(pixels, width, height, header.tables)


def _decoded(path: Path, data: bytes, rows: int) -> Pixels:
    """The JPEG at the size that has ``rows`` rows or a few more (1/1, 1/2, 1/4 or 1/8 of its own)."""
    import simplejpeg

    try:
        return simplejpeg.decode_jpeg(data, "RGB", fastupsample=True, min_height=rows, strict=True)
    except ValueError as error:
        if not _is_padding(str(error)):
            raise damaged(path, error) from error
    return simplejpeg.decode_jpeg(data, "RGB", min_height=rows, strict=False)


def _is_padding(message: str) -> bool:
    found = re.search(r"(\d+) extraneous bytes before marker 0xd9", message)
    return bool(found) and int(found[1]) <= PADDING


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    if orientation not in _TURNS:
        return pixels
    turns, mirrored = _TURNS[orientation]
    turned = np.rot90(pixels, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)
