"""JPEG headers are read as Pillow reads them, and what is no plain JPEG is left to Pillow."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dataset_tools.pictures.jpeg_header import read_jpeg_header
from dataset_tools.quality.duplicates import fingerprint
from tests.dataset_tools.spoiled import astronaut


def saved(image: Image.Image, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def photograph() -> Image.Image:
    return Image.fromarray(astronaut()[:200, :312])


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 5},
        {"quality": 90, "progressive": True},
        {"quality": 75, "subsampling": 0, "comment": b"\xff\xda\xff\xd9 no marker"},
        {"quality": 75, "qtables": [[300] * 64, list(range(1, 65))]},
        {"quality": 75, "optimize": True, "icc_profile": b"x" * 100_000},
    ],
    ids=["coarse", "progressive", "comment", "16-bit tables", "long profile"],
)
def test_sizes_and_tables_are_those_that_pillow_reads(options):
    data = saved(photograph(), **options)
    found, known = read_jpeg_header(data), Image.open(BytesIO(data))
    assert found is not None
    assert (found.width, found.height) == known.size == (312, 200)
    assert found.tables == {number: tuple(table) for number, table in known.quantization.items()}
    assert found.orientation == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_jpeg_header(saved(photograph(), exif=exif))
    assert found is not None
    assert found.orientation == orientation


def test_a_damaged_exif_block_turns_nothing():
    found = read_jpeg_header(saved(photograph(), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert found is not None
    assert found.orientation == 1


def test_what_is_no_plain_jpeg_is_left_alone():
    data = saved(photograph())
    assert read_jpeg_header(saved(photograph().convert("L"))) is not None
    assert read_jpeg_header(saved(photograph().convert("CMYK"))) is None
    assert all(read_jpeg_header(data[:length]) is None for length in range(0, 300, 7))
    assert read_jpeg_header(b"\x89PNG\r\n\x1a\n" + data) is None
    assert read_jpeg_header(b"\xff\xd8" + b"\xff" * 1000) is None


@pytest.mark.parametrize("place", [(0, 0), (255, 311), (140, 77)])
def test_one_grey_level_of_one_channel_changes_the_digest(place):
    rgb = np.ascontiguousarray(astronaut()[:256, :312])
    other = rgb.copy()
    other[place][2] ^= 1
    assert fingerprint(rgb).digest == fingerprint(rgb.copy()).digest != fingerprint(other).digest
