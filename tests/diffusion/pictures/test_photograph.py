"""Photographs of every orientation and mode: what is kept to the bit, and what is said where it cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from dataset_tools.pictures.images import as_rgb
from wrapper.diffusion.pictures import photograph as module
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.photograph import ORIENTATION_TAG, Photograph, read_photograph
from wrapper.diffusion.pictures.picture import save_picture

INFO = Infotext("an ear")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MAKE = 0x010F


@pytest.fixture
def colours():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 50, 3)).astype(np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("end", ["png", "tiff", "webp"])
def test_every_orientation_is_turned_upright_in_bands(tmp_path, colours, monkeypatch, orientation, end):
    monkeypatch.setattr(module, "BAND_PIXELS", 50 * 8)
    exif = Image.Exif()
    exif[ORIENTATION_TAG], exif[MAKE] = orientation, "Camera"
    alpha = Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 50)).astype(np.uint8))
    colours.putalpha(alpha)
    path = tmp_path / f"p.{end}"
    colours.save(path, exif=exif, **({"lossless": True, "exact": True} if end == "webp" else {}))
    colours.getexif()[ORIENTATION_TAG] = orientation
    truth = np.asarray(ImageOps.exif_transpose(colours))
    photo = read_photograph(path)
    assert np.array_equal(photo.pixels, truth[..., :3])
    assert np.array_equal(photo.alpha, truth[..., 3])
    assert photo.notes == ()
    carried = Image.Exif()
    carried.load(photo.exif)
    assert (carried.get(ORIENTATION_TAG), carried[MAKE]) == (None, "Camera")


@pytest.mark.parametrize("mode", ["L", "LA"])
@pytest.mark.parametrize("end", ["png", "jpg", "webp"])
def test_grey_stays_grey_with_its_profile(tmp_path, colours, mode, end):
    grey = colours.convert(mode)
    if mode == "LA":
        grey.putalpha(Image.linear_gradient("L").resize(grey.size))
    grey.save(tmp_path / "g.png", icc_profile=b"a profile for grey")
    photo = read_photograph(tmp_path / "g.png")
    assert photo.grey
    save_picture(tmp_path / f"o.{end}", photo, INFO, "compositeWithTrainedAlgorithmicMedia")
    with Image.open(tmp_path / f"o.{end}") as saved:
        assert saved.mode == {"png": mode, "jpg": "L", "webp": "RGBA" if mode == "LA" else "RGB"}[end]
        assert saved.info.get("icc_profile") == (None if end == "webp" else b"a profile for grey")
        if end != "jpg":
            assert np.array_equal(np.asarray(saved.convert("L")), photo.pixels[..., 0])


def test_cmyk_becomes_srgb_and_says_so(tmp_path, colours):
    colours.convert("CMYK").save(tmp_path / "c.tiff")
    photo = read_photograph(tmp_path / "c.tiff")
    with Image.open(tmp_path / "c.tiff") as file:
        assert np.array_equal(photo.pixels, np.asarray(as_rgb(file)))
    assert photo.icc_profile is None
    assert photo.notes == ("CMYK colours become sRGB: the models paint in RGB.",)


def test_sixteen_bits_become_eight_and_say_so(tmp_path):
    values = (np.arange(48, dtype=np.uint16) * 1365).reshape(6, 8)
    Image.fromarray(values).save(tmp_path / "deep.png")
    photo = read_photograph(tmp_path / "deep.png")
    assert np.array_equal(photo.pixels[..., 1], values >> 8)
    assert photo.grey
    assert photo.notes == ("More than 8 bits a channel become 8: the models paint no finer.",)


def test_sixteen_bits_of_colour_are_noticed_although_pillow_hands_out_eight(tmp_path):
    import cv2

    values = np.random.default_rng(0).integers(0, 65536, (6, 8, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), values)
    assert "8 bits" in read_photograph(tmp_path / "deep.png").notes[0]


def test_palettes_and_frames_are_mentioned(tmp_path, colours):
    second = colours.rotate(90).quantize(8)
    colours.quantize(8).save(tmp_path / "p.gif", save_all=True, append_images=[second])
    notes = " ".join(read_photograph(tmp_path / "p.gif").notes)
    assert "palette" in notes
    assert "first of 2 frames" in notes


def test_a_profile_of_colours_is_kept_and_pixels_are_not_converted(tmp_path, colours):
    colours.save(tmp_path / "p.png", icc_profile=SRGB)
    photo = read_photograph(tmp_path / "p.png")
    assert photo.icc_profile == SRGB
    assert np.array_equal(photo.pixels, np.asarray(colours))
    assert photo.pixels.flags.writeable
    assert not photo.grey


def test_jpeg_leaves_transparency_out(tmp_path, colours):
    pixels = np.asarray(colours)
    photo = Photograph(pixels, alpha=np.zeros(pixels.shape[:2], np.uint8))
    save_picture(tmp_path / "o.jpg", photo, INFO, "compositeWithTrainedAlgorithmicMedia")
    with Image.open(tmp_path / "o.jpg") as saved:
        assert saved.mode == "RGB"
