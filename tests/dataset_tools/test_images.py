"""Decoding: upright, sRGB, bounded, and one sentence for every odd file."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms

from dataset_tools.errors import UserError
from dataset_tools.pictures.images import MAX_PIXELS, decode, read_mask, read_rgb, save_png

RED, GREEN = (200, 30, 30), (30, 200, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "мои 'фото' 📷"
    made.mkdir()
    return made


def two_tone() -> np.ndarray:
    """[20, 30, 3]: red on the left, green on the right."""
    picture = np.empty((20, 30, 3), np.uint8)
    picture[:, :15], picture[:, 15:] = RED, GREEN
    return picture


def test_a_saved_png_reads_back_and_leaves_nothing_beside_it(folder):
    save_png(folder / "new" / "a.png", two_tone())
    assert (read_rgb(folder / "new" / "a.png") == two_tone()).all()
    assert [path.name for path in (folder / "new").iterdir()] == ["a.png"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(folder, orientation):
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]
    upright = Image.fromarray(two_tone())
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(folder / "a.png", exif=exif)
    assert (read_rgb(folder / "a.png") == two_tone()).all()
    stored.convert("L").save(folder / "m.png", exif=exif)
    assert read_mask(folder / "m.png").shape == (20, 30)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr"])
def test_every_mode_becomes_rgb(folder, mode):
    grey = Image.fromarray(np.full((8, 9), 255, np.uint8))
    if mode == "I;16":
        image = Image.fromarray(np.full((8, 9), 65535, np.uint16))
    elif mode in ("I", "F"):
        image = Image.fromarray(np.full((8, 9), 255, np.int32 if mode == "I" else np.float32))
    else:
        image = grey.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr") else grey.convert(mode)
    image.save(folder / "a.tif")
    skip_where_pillow_cannot_read_its_own(mode)
    rgb = read_rgb(folder / "a.tif")
    assert rgb.shape == (8, 9, 3)
    assert rgb.dtype == np.uint8
    assert rgb.min() >= 254


def skip_where_pillow_cannot_read_its_own(mode: str) -> None:
    if mode == "YCbCr" and int(PIL.__version__.partition(".")[0]) < 13:
        pytest.skip("Pillow 12 says of a TIFF in YCbCr that it has written that it is truncated")


def test_transparency_is_white_in_a_picture_and_black_in_a_mask(folder):
    rgba = np.zeros((6, 6, 4), np.uint8)
    rgba[:, :3] = (*RED, 255)
    Image.fromarray(rgba).save(folder / "a.png")
    assert read_rgb(folder / "a.png")[0, 5].tolist() == [255, 255, 255]
    assert read_mask(folder / "a.png")[0, 5] == 0


def test_an_embedded_profile_is_converted_to_srgb(folder):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    Image.fromarray(two_tone()).save(folder / "a.png", icc_profile=swapped)
    assert np.abs(read_rgb(folder / "a.png").astype(int) - two_tone()[:, ::-1]).max() <= 2
    Image.fromarray(two_tone()).save(folder / "b.png", icc_profile=b"broken profile")
    assert (read_rgb(folder / "b.png") == two_tone()).all()


def test_the_name_of_a_file_does_not_matter_and_the_first_frame_counts(folder):
    Image.fromarray(two_tone()).save(folder / "a.txt", format="JPEG", quality=50)
    found = decode(folder / "a.txt")
    assert found.format == "JPEG"
    assert len(found.quantisation[0]) == 64
    frames = [Image.new("RGB", (5, 5), c) for c in (RED, GREEN)]
    frames[0].save(folder / "b.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert read_rgb(folder / "b.webp")[0, 0].tolist() == list(RED)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def odd_files() -> dict[str, tuple[bytes, str]]:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    found = {}
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        stream = BytesIO()
        Image.fromarray(noise).save(stream, kind)
        whole = stream.getvalue()
        found[f"half of a {kind}"] = (whole[: len(whole) // 2], "damaged or cut short|known format")
    return {
        **found,
        "empty": (b"", "zero bytes"),
        "text": (b"hello, I am no picture", "known format"),
        "bomb": (png_header(20_000, 20_000), "more than"),
        "just over the limit": (png_header(MAX_PIXELS // 10_000 + 1, 10_000), "more than"),
        "no pixels": (png_header(40, 40), "damaged"),
        "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "known format"),
    }


@pytest.mark.parametrize("name", odd_files())
def test_an_odd_file_is_named_in_one_sentence(folder, name):
    data, reason = odd_files()[name]
    path = folder / f"{name}.png"
    path.write_bytes(data)
    for read in (read_rgb, read_mask):
        with pytest.raises(UserError, match=reason) as caught:
            read(path)
        assert str(path) in caught.value.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_drive_that_fails_within_a_picture_does_not_make_it_a_damaged_one(folder, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    save_png(folder / "whole.png", np.zeros((4, 4, 3), np.uint8))
    monkeypatch.setattr(Image.Image, "load", fail)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(UserError, match=os.strerror(errno.EIO)) as caught:
        read_rgb(folder / "whole.png")
    assert "cannot be read" in caught.value.message


def test_a_fifo_does_not_hang(folder):
    os.mkfifo(folder / "pipe.png")
    with pytest.raises(UserError, match="not a regular file"):
        read_rgb(folder / "pipe.png")


def test_a_missing_file_and_a_folder_are_named(folder):
    with pytest.raises(UserError, match="cannot be read"):
        read_rgb(folder / "nowhere.png")
    with pytest.raises(UserError, match="not a regular file"):
        read_rgb(folder)
