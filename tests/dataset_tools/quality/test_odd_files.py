"""Files of every odd kind: each is measured or refused with its cause, none crashes, hangs or is skipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset_tools.errors import UserError
from dataset_tools.pictures.inspected import decode_to_inspect
from dataset_tools.quality.qc import inspect_folder
from dataset_tools.quality.thresholds import load_thresholds
from tests.dataset_tools.spoiled import astronaut, jpeg_bytes
from tests.dataset_tools.test_images import png_header, skip_where_pillow_cannot_read_its_own
from tests.peak_memory import PEAK_MIB, needs_linux

WHOLE = jpeg_bytes(astronaut(), 90)
MIDDLE = len(WHOLE) // 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "odd 'files' Ж 📷"
    made.mkdir()
    return made


def saved(rgb: np.ndarray, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, kind, **options)
    return stream.getvalue()


def rotten(data: bytes, count: int) -> bytes:
    rng = np.random.default_rng(count)
    out = bytearray(data)
    for place in rng.integers(2000, len(data) - 100, count):
        out[place] = int(rng.integers(0, 255))
    return bytes(out)


PROGRESSIVE = saved(astronaut(), "JPEG", quality=85, progressive=True)
DAMAGED = {
    "cut in half": WHOLE[:MIDDLE],
    "cut at the end": WHOLE[:-3],
    "no end": WHOLE[:-2],
    "zeros inside": WHOLE[:MIDDLE] + bytes(9000) + WHOLE[MIDDLE + 9000 :],
    "zeros to the end": WHOLE[:MIDDLE] + bytes(len(WHOLE) - MIDDLE),
    "rotten": rotten(WHOLE, 40),
    "progressive, cut": PROGRESSIVE[: len(PROGRESSIVE) * 2 // 3],
    "progressive, rotten": rotten(PROGRESSIVE, 40),
    "png, cut": saved(astronaut(), "PNG")[:90_000],
    "png, its end missing": saved(astronaut(), "PNG")[:-12],
    "png, its last byte missing": saved(astronaut(), "PNG")[:-1],
    "zero bytes": b"",
    "no picture": b"hello",
    "only a header": WHOLE[:300],
    "png without pixels": png_header(800, 600),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_refused_with_its_path(folder, kind):
    path = folder / f"{kind}.jpg"
    path.write_bytes(DAMAGED[kind])
    with pytest.raises(UserError) as caught:
        decode_to_inspect(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("after", [b"", b"\0" * 500, b"trailer of a camera"])
@pytest.mark.parametrize("whole", [WHOLE, saved(astronaut(), "PNG")], ids=["JPEG", "PNG"])
def test_what_follows_a_whole_picture_does_not_matter(folder, whole, after):
    (folder / "a.jpg").write_bytes(whole + after)
    assert decode_to_inspect(folder / "a.jpg").rgb.shape == (512, 512, 3)


def test_fractions_are_read_as_grey_levels(folder):
    grey = astronaut()[..., 1]
    path = folder / "a.tif"
    path.write_bytes(saved((grey / 255).astype(np.float32), "TIFF"))
    assert (decode_to_inspect(path).rgb[..., 0] == grey).all()


def test_a_few_bytes_of_padding_before_the_end_are_no_damage(folder):
    (folder / "a.jpg").write_bytes(WHOLE[:-2] + b"\0\0\xff\xd9")
    assert decode_to_inspect(folder / "a.jpg").rgb.shape == (512, 512, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_every_mode_is_measured(folder, mode, kind):
    image = Image.fromarray(astronaut())
    shown = (
        Image.fromarray((np.asarray(image.convert("L")).astype(np.uint16)) << 8)
        if mode == "I;16"
        else image.convert("RGB").convert("L").convert(mode)
        if mode in ("LA", "1")
        else image.convert(mode)
    )
    try:
        shown.save(folder / "a", kind)
    except OSError:
        pytest.skip(f"{kind} holds no {mode}")
    if kind == "TIFF":
        skip_where_pillow_cannot_read_its_own(mode)
    found = decode_to_inspect(folder / "a")
    assert (found.width, found.height) == (512, 512)
    if mode != "1":
        grey = np.asarray(Image.fromarray(found.rgb).convert("L")).astype(int)
        assert np.abs(grey - np.asarray(image.convert("L"))).mean() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_upright(folder, orientation):
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]
    upright = Image.fromarray(astronaut()[:300])
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(folder / "a.jpg", exif=exif, quality=95)
    found = decode_to_inspect(folder / "a.jpg")
    assert (found.width, found.height) == (512, 300)
    assert np.abs(found.rgb.astype(int) - astronaut()[:300]).mean() < 4


@pytest.mark.parametrize(("side_px", "wanted"), [(1279, 1279), (1280, 640), (3000, 750)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_made_smaller_and_keeps_its_size_on_record(folder, kind, side_px, wanted):
    large = np.zeros((side_px, side_px + 10, 3), np.uint8)
    large[::3] = 200
    (folder / "a").write_bytes(saved(large, kind))
    found = decode_to_inspect(folder / "a")
    assert (found.width, found.height) == (side_px + 10, side_px)
    assert found.rgb.shape[0] == wanted


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_many_counts(folder, kind):
    frames = [Image.fromarray(np.full((40, 50, 3), level, np.uint8)) for level in (200, 20, 60)]
    frames[0].save(folder / "a", kind, save_all=True, append_images=frames[1:])
    assert decode_to_inspect(folder / "a").rgb.mean() == pytest.approx(200, abs=3)


def blank_png(width: int, height: int) -> bytes:
    """A whole PNG of one colour, a few kilobytes for any size."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(3 * width + 1)) for _ in range(height)) + rows.flush()
    head, end = png_header(width, height)[:33], png_header(1, 1)[-12:]
    chunk = b"IDAT" + data
    return head + len(data).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + end


PROBE = f"""
import json, sys
from pathlib import Path
from dataset_tools.quality.qc import inspect_folder
from dataset_tools.quality.thresholds import load_thresholds
found = inspect_folder(Path(sys.argv[1]), load_thresholds("photo"))
{PEAK_MIB}
print(json.dumps([[one.path, one.status, one.error] for one in found] + [peak_mib]))
"""


@needs_linux
def test_a_bomb_is_refused_within_300_megabytes(folder):
    (folder / "bomb.png").write_bytes(blank_png(11_000, 11_000))
    (folder / "huge.png").write_bytes(png_header(60_000, 60_000))
    argv = [sys.executable, "-c", PROBE, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    *found, peak_mb = json.loads(done.stdout.splitlines()[-1])
    assert [status for _, status, _ in found] == ["REJECT", "REJECT"]
    assert all("pixels" in error for _, _, error in found)
    assert peak_mb < 300


@pytest.mark.skipif(sys.platform != "linux", reason="needs FIFOs and file names that are bytes")
def test_a_folder_of_odd_files_gets_one_line_each(folder):
    os.mkfifo(folder / "fifo.jpg")
    (folder / os.fsdecode(b"name-\xff.jpg")).write_bytes(WHOLE)
    (folder / "really a png.jpg").write_bytes(saved(astronaut(), "PNG"))
    (folder / "no extension").write_bytes(WHOLE[:-2] + WHOLE[-2:])
    for name, data in DAMAGED.items():
        (folder / f"{name}.jpg").write_bytes(data)
    found = {one.path: one for one in inspect_folder(folder, load_thresholds("photo"))}
    assert len(found) == len(DAMAGED) + 4
    corrupt = {name for name, one in found.items() if [r.code for r in one.reasons] == ["corrupt"]}
    assert corrupt == {"fifo.jpg", *(f"{name}.jpg" for name in DAMAGED)}


@pytest.mark.parametrize("name", ["a.heic", "b.HEIF", "c.NEF"])
def test_a_photograph_of_a_kind_that_is_not_read_is_rejected_and_says_what_to_do(folder, name):
    (folder / name).write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 500)
    (folder / ".hidden.heic").write_bytes(b"x")
    (found,) = inspect_folder(folder, load_thresholds("photo"))
    assert (found.path, found.status) == (name, "REJECT")
    assert f"{name[2:].upper()} is not read, export it as JPEG or PNG" in (found.error or "")


ODD_KINDS = {
    "animated.gif": lambda: animation("GIF"),
    "animated.webp": lambda: animation("WEBP"),
    "pages.tif": lambda: animation("TIFF"),
    "a.bmp": lambda: saved(astronaut(), "BMP"),
    "a.avif": lambda: saved(astronaut(), "AVIF"),
    "a.jp2": lambda: saved(astronaut(), "JPEG2000"),
    "a.ppm": lambda: saved(astronaut(), "PPM"),
    "float.tif": lambda: tiff(np.asarray(astronaut()[..., 0], np.float32) / 255),
    "deep.tif": lambda: tiff(astronaut()[..., 0].astype(np.int32) * 200),
    "one pixel.png": lambda: saved(astronaut()[:1, :1], "PNG"),
    "one row.jpg": lambda: saved(astronaut()[:1], "JPEG"),
}


def animation(kind: str) -> bytes:
    stream = BytesIO()
    first, *others = (Image.fromarray(np.roll(astronaut(), step, 0)) for step in (0, 40, 80))
    first.save(stream, kind, save_all=True, append_images=others)
    return stream.getvalue()


def tiff(values: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(values).save(stream, "TIFF")
    return stream.getvalue()


def test_every_format_is_measured_or_refused_with_a_cause(folder):
    """GIF, WebP and TIFF count by their first picture; nothing is passed over and nothing breaks."""
    for name, data in ODD_KINDS.items():
        (folder / name).write_bytes(data())
    found = {one.path: one for one in inspect_folder(folder, load_thresholds("photo"), workers=1)}
    assert found.keys() == ODD_KINDS.keys()
    assert {name: one.error for name, one in found.items() if one.error} == {}
    assert found["one row.jpg"].width == 512
