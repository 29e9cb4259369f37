"""Pictures carry parameters, provenance, and what their photograph had, in every format."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from dataset_tools.errors import UserError
from wrapper.diffusion.pictures.exif_types import UNDEFINED
from wrapper.diffusion.pictures.infotext import Infotext
from wrapper.diffusion.pictures.naming import numbered
from wrapper.diffusion.pictures.photograph import ORIENTATION_TAG, Photograph, read_photograph
from wrapper.diffusion.pictures.picture import (
    EXIF_FOLDER,
    USER_COMMENT,
    read_digital_source,
    read_parameters,
    save_picture,
)

INFO = Infotext("photo of a woman, «ухо» 🙂", "waxy", {"Steps": "4", "Sampler": "Euler a", "Seed": "1"})
ENDS = ["png", "webp", "jpg", "jpeg"]
PARAMETERS = "a cat\nSteps: 1, Seed: 2, CFG scale: 3"
MAKE, ORIENTED_LEFT = 0x010F, 6


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)


@pytest.fixture
def profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("end", ENDS)
def test_parameters_and_digital_source_are_read_back(tmp_path, pixels, end):
    path = tmp_path / f"it's a 'picture' 🙂.{end}"
    save_picture(path, Photograph(pixels), INFO, "trainedAlgorithmicMedia")
    assert read_parameters(path) == INFO
    assert read_digital_source(path) == "trainedAlgorithmicMedia"


@pytest.mark.parametrize("end", ["png", "webp"])
def test_lossless_formats_keep_every_pixel_also_transparent_ones(tmp_path, pixels, end):
    alpha = np.zeros((24, 40), np.uint8)
    alpha[4:9] = 200
    save_picture(tmp_path / f"p.{end}", Photograph(pixels, alpha), INFO, "trainedAlgorithmicMedia")
    again = read_photograph(tmp_path / f"p.{end}")
    assert np.array_equal(again.pixels, pixels)
    assert np.array_equal(again.alpha, alpha)


@pytest.mark.parametrize("end", ENDS)
def test_exif_and_colour_profile_of_the_photograph_travel_along(tmp_path, pixels, profile, end):
    exif = Image.Exif()
    exif[MAKE], exif[ORIENTATION_TAG] = "Camera", ORIENTED_LEFT
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", exif=exif, icc_profile=profile)
    photo = read_photograph(tmp_path / "photo.jpg")
    save_picture(tmp_path / f"out.{end}", photo, INFO, "compositeWithTrainedAlgorithmicMedia")
    with Image.open(tmp_path / f"out.{end}") as image:
        assert image.size == (24, 40)
        assert image.getexif()[MAKE] == "Camera"
        assert ORIENTATION_TAG not in image.getexif()
        assert image.info["icc_profile"] == profile
    assert read_parameters(tmp_path / f"out.{end}") == INFO


@pytest.mark.parametrize("end", ENDS)
def test_a_comment_of_the_photographs_own_does_not_hide_the_parameters(tmp_path, pixels, end):
    exif = Image.Exif()
    exif.get_ifd(EXIF_FOLDER)[USER_COMMENT] = b"ASCII\0\0\0taken at the sea"
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", exif=exif)
    photo = read_photograph(tmp_path / "photo.jpg")
    save_picture(tmp_path / f"o.{end}", photo, INFO, "compositeWithTrainedAlgorithmicMedia")
    with Image.open(tmp_path / f"o.{end}") as image:
        assert b"sea" not in image.getexif().get_ifd(EXIF_FOLDER)[USER_COMMENT]
    assert read_parameters(tmp_path / f"o.{end}") == INFO


@pytest.mark.parametrize("end", ["webp", "jpg"])
def test_the_comment_is_of_exifs_undefined_type_as_a1111s_reader_needs_it(tmp_path, pixels, end):
    save_picture(tmp_path / f"o.{end}", Photograph(pixels), INFO, "trainedAlgorithmicMedia")
    with Image.open(tmp_path / f"o.{end}") as image:
        exif = image.info["exif"]
    assert any(struct.pack(f"{order}HH", USER_COMMENT, UNDEFINED) in exif for order in "<>")


@pytest.mark.parametrize(
    ("code", "encoding"),
    [(b"UNICODE\0", "utf-16-le"), (b"UNICODE\0", "utf-16-be"), (b"ASCII\0\0\0", "ascii")],
)
def test_comments_of_other_programs_are_read(tmp_path, pixels, code, encoding):
    exif = Image.Exif()
    exif.get_ifd(EXIF_FOLDER)[USER_COMMENT] = code + PARAMETERS.encode(encoding)
    Image.fromarray(pixels).save(tmp_path / "p.jpg", exif=exif)
    told = read_parameters(tmp_path / "p.jpg")
    assert (told.prompt, told.fields["Seed"]) == ("a cat", "2")


def test_a_photograph_is_read_upright_in_its_own_colours(tmp_path, pixels):
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = ORIENTED_LEFT
    Image.fromarray(pixels).save(tmp_path / "p.png", exif=exif)
    photo = read_photograph(tmp_path / "p.png")
    assert np.array_equal(photo.pixels, np.rot90(pixels, -1))
    assert photo.exif is None
    assert photo.alpha is None


def test_a_16_bit_grey_picture_is_scaled_not_cut_off(tmp_path):
    Image.fromarray(np.array([[0, 65535], [32768, 257]], np.uint16)).save(tmp_path / "grey.png")
    assert read_photograph(tmp_path / "grey.png").pixels[..., 0].tolist() == [[0, 255], [128, 1]]


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_file_that_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "p.png").write_bytes(content)
    with pytest.raises(UserError, match=r"p\.png"):
        read_photograph(tmp_path / "p.png")


def test_an_unknown_format_is_refused_by_its_name(tmp_path, pixels):
    with pytest.raises(UserError, match=r"p\.tiff: pictures are saved as \.png"):
        save_picture(tmp_path / "p.tiff", Photograph(pixels), INFO, "trainedAlgorithmicMedia")
    assert not list(tmp_path.iterdir())


def test_a_picture_without_parameters_has_none(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "p.jpg")
    assert read_parameters(tmp_path / "p.jpg") is None
    assert read_digital_source(tmp_path / "p.jpg") is None


def test_numbers_of_pictures_count_up_past_what_is_there(tmp_path):
    assert numbered(tmp_path, 5).name == "00001-5.png"
    (tmp_path / "00041-7.png").touch()
    (tmp_path / "holiday.png").touch()
    assert numbered(tmp_path, 5).name == "00042-5.png"
