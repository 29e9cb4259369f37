"""Pictures: each case was run through the dataset classes of sd-scripts v0.10.1, and the verdict is theirs.

An error is what they fail at, or what they pass over in silence.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset_tools import known_contents
from tests.kohya.picture_case import Case, cut_off, make_case, noise
from wrapper.kohya.checks import decode

BUCKETS = {"enable_bucket": True}
NO_UPSCALE = BUCKETS | {"bucket_no_upscale": True}
CACHED = {"cache_latents": True}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_case(tmp_path)


def test_good_pictures_are_good(case):
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])
    assert report.steps.images == 2


def damaged_jpeg(case: Case) -> None:
    cut_off(case.add("q.jpg", quality=95), 0.97)


def flipped_byte(case: Case) -> None:
    whole = bytearray(case.first.read_bytes())
    whole[len(whole) // 2] ^= 255
    case.first.write_bytes(bytes(whole))


BROKEN = {
    "half a PNG": (lambda case: cut_off(case.first, 0.5), "it is broken (image file is truncated"),
    "most of a JPEG": (damaged_jpeg, "q.jpg: not an image: it is broken"),
    "a damaged PNG": (flipped_byte, "it is broken"),
    "nothing in it": (lambda case: case.first.write_bytes(b""), "it is empty"),
    "text": (lambda case: case.first.write_text("hello"), "its content is of no known kind"),
    "a folder": (lambda case: (case.images / "q.png").mkdir(), "q.png: not an image: it is a folder"),
    "a dead link": (lambda case: (case.images / "q.png").symlink_to("gone.png"), "it is a link to nothing"),
    "a pipe": (lambda case: os.mkfifo(case.images / "q.png"), "it is no file"),
}


@pytest.mark.parametrize(("spoil", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_picture_that_cannot_be_decoded_is_an_error(case, spoil, sentence):
    spoil(case)
    assert any(sentence in error for error in case.errors), case.errors


def test_a_broken_picture_is_found_in_a_large_set_with_a_bar(case, capsys, monkeypatch):
    monkeypatch.setattr("wrapper.kohya.checks.decode.MANY", 3)
    cut_off(case.add("q.png"), 0.5)
    assert len(case.errors) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "reading images: 3/3" in streams.err


def jpeg_by_another_name(case: Case) -> None:
    noise((64, 64)).save(case.images / "q.png", "JPEG")
    (case.images / "q.txt").write_text("a person")


def other_mode(mode: str) -> object:
    def add(case: Case) -> None:
        noise((64, 64)).convert(mode).save(case.images / ("q.jpg" if mode == "CMYK" else "q.png"))
        (case.images / "q.txt").write_text("a person")

    return add


FINE = {
    "JPEG called PNG": jpeg_by_another_name,
    "grey": other_mode("L"),
    "palette": other_mode("P"),
    "one bit": other_mode("1"),
    "CMYK": other_mode("CMYK"),
    "upper case": lambda case: case.add("q.JPG"),
    "WebP": lambda case: case.add("q.webp"),
    "BMP": lambda case: case.add("q.bmp"),
    "a link": lambda case: ((case.images / "q.png").symlink_to(case.first), add_caption(case)),
    "hidden files": lambda case: (case.images / "._q.jpg").write_bytes(b"junk"),
    "other files": lambda case: (case.images / "Thumbs.db").write_bytes(b"junk"),
}


def add_caption(case: Case) -> None:
    (case.images / "q.txt").write_text("a person")


@pytest.mark.parametrize("add", FINE.values(), ids=FINE)
def test_what_sd_scripts_reads_is_no_fault(case, add):
    add(case)
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])


@pytest.mark.parametrize("name", ["q.Jpg", "q.gif", "q.tif", "q.avif"])
def test_a_picture_that_is_not_read_is_an_error(case, name):
    kind = {".jpg": "JPEG", ".gif": "GIF", ".tif": "TIFF", ".avif": "PNG"}[Path(name).suffix.lower()]
    case.add(name, format=kind)
    (error,) = case.errors
    assert f"1 images in {case.images} are not read: {name}." in error


def test_sixteen_bits_are_an_error_because_they_are_clipped(case):
    Image.fromarray(np.full((64, 64), 30000, dtype=np.uint16)).save(case.first)
    assert "it has 16 bits a channel" in case.errors[0]
    Image.fromarray(np.full((64, 64), 200, dtype=np.uint16)).save(case.first)
    assert case.errors == []


def turned(case: Case) -> None:
    image = noise((64, 64))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(case.images / "q.jpg", exif=exif)
    add_caption(case)


def moving(case: Case) -> None:
    frames = [noise((65, 65)), noise((65, 65)).rotate(90)]
    frames[0].save(case.images / "q.webp", save_all=True, append_images=frames[1:])
    add_caption(case)


def see_through(case: Case) -> None:
    noise((64, 64), 4).save(case.first)


LOOK = {
    "lying on its side": (turned, "its EXIF orientation is ignored"),
    "animated": (moving, "of its 2 frames only the first is trained."),
    "transparent": (see_through, "its transparent parts are trained as what lies beneath."),
    "same stem": (lambda case: case.add("ухо 0.jpg"), "it shares caption and caches with ухо 0.jpg."),
    "folder below": (lambda case: case.add("below/q.png"), "are not read: below."),
}


@pytest.mark.parametrize(("spoil", "sentence"), LOOK.values(), ids=LOOK)
def test_what_is_trained_otherwise_than_it_looks_is_a_warning(case, spoil, sentence):
    spoil(case)
    if sentence.startswith("of its"):
        case.train |= CACHED
    assert case.errors == []
    assert any(sentence in warning for warning in case.warnings), case.warnings


def test_many_pictures_with_one_fault_are_one_finding(case):
    for number in range(5):
        case.add(f"{number}.png").write_bytes(b"")
    (error,) = case.errors
    assert "dataset.toml:6 [datasets[0].subsets[0]]: 5 files in" in error
    assert "0.png, 1.png, 2.png and 2 more: not an image: it is empty." in error


SMALL, LARGE, WIDE, THIN, TINY = (32, 32), (128, 128), (128, 64), (128, 32), (8, 8)
SIZES = {
    "small": (SMALL, {}, {}, "are smaller than the resolution 64x64", ""),
    "small, cached": (SMALL, CACHED, {}, "", "are smaller than the resolution 64x64"),
    "small, buckets": (SMALL, {}, BUCKETS, "", "enlarged, up to 2.0 times"),
    "small, no upscale": (SMALL, {}, NO_UPSCALE, "fit no bucket of steps of 64 pixels", ""),
    "large": (LARGE, {}, {}, "are larger than the resolution 64x64", ""),
    "large, cached": (LARGE, CACHED, {}, "", ""),
    "large, cached to disk": (LARGE, {"cache_latents_to_disk": True}, {}, "", ""),
    "large, buckets": (LARGE, {}, BUCKETS, "", ""),
    "large, no upscale": (LARGE, {}, NO_UPSCALE, "", ""),
    "large, random crop": (LARGE, {}, {"random_crop": True}, "", ""),
    "wide": (WIDE, {}, {}, "are larger than the resolution 64x64", ""),
    "wide, cached": (
        WIDE,
        CACHED,
        {},
        "",
        "lose up to 50% at their edges: q.png. Crop them yourself, or set",
    ),
    "wide, buckets": (WIDE, {}, BUCKETS, "", "lose up to 50% at their edges: q.png. Crop them yourself."),
    "wide, no upscale": (WIDE, {}, NO_UPSCALE, "fit no bucket", ""),
    "thin, random crop": (THIN, {}, {"random_crop": True}, "are smaller than the resolution", ""),
    "tiny, cached, no upscale": (TINY, CACHED, NO_UPSCALE, "fit no bucket", ""),
}


@pytest.mark.parametrize(("size", "train", "dataset", "error", "warning"), SIZES.values(), ids=SIZES)
def test_each_size_is_judged_as_sd_scripts_resizes_it(case, size, train, dataset, error, warning):
    case.train |= train
    case.dataset |= dataset
    case.add("q.png", size)
    report = case.check()
    for found, wanted in ((report.errors, error), (report.warnings, warning)):
        assert len(found) == bool(wanted), found
        assert wanted in "".join(map(str, found))


FACES = {
    "a face": ("a_64_64_30_30", ""),
    "words": ("a_b_c_d_e", "takes the end of its name for a face"),
    "no size": ("a_64_64_0_0", "the face in its name has no size"),
    "no face": ("plain", "are larger than the resolution"),
}


@pytest.mark.parametrize(("name", "sentence"), FACES.values(), ids=FACES)
def test_face_crops_read_the_name(case, name, sentence):
    case.add(f"{name}.png", LARGE)
    case.subset["face_crop_aug_range"] = [1.0, 2.0]
    errors = case.errors
    assert bool(errors) == bool(sentence)
    assert sentence in "".join(errors)


def test_extended_webp_counts_a_pixel_smaller(case):
    """imagesize 1.4.1, which sd-scripts asks, is wrong by one: 64 pixels fall below a step of 64."""
    case.dataset |= NO_UPSCALE
    noise((64, 64), 4).save(case.images / "q.webp")
    add_caption(case)
    assert any("fit no bucket" in error for error in case.errors)


def test_the_alpha_mask_needs_alpha(case):
    case.subset["alpha_mask"] = True
    assert "'alpha_mask' is ignored: no image has an alpha channel." in case.errors[0]
    see_through(case)
    assert case.errors == []
    assert "1 images in" in case.warnings[0]
    Image.new("RGBA", (64, 64), (9, 9, 9, 0)).save(case.first)
    assert "all of it is transparent" in case.errors[0]


def test_a_folder_named_again_is_ignored_only_in_the_same_spelling(case):
    case.more = [{"image_dir": str(case.images)}]
    assert "the same folder as at dataset.toml:6" in case.errors[0]
    case.more = [{"image_dir": f"{case.images}/"}]
    assert case.errors == []
    case.subset["num_repeats"] = 0
    case.more = [{"image_dir": str(case.images)}]
    (error,) = case.errors
    assert "sd-scripts ignores the folder" in error


def test_folders_below_that_are_named_are_no_surprise(case):
    case.add("below/q.png")
    case.more = [{"image_dir": str(case.images / "below")}]
    report = case.check()
    assert (report.errors, report.warnings) == ([], [])
    assert report.steps.images == 3


def test_in_between_many_checks_a_picture_is_decoded_once_until_it_changes(case, monkeypatch):
    monkeypatch.setattr(known_contents, "SETTLED_NS", -60_000_000_000)
    seen: list[str] = []
    decode_one = decode.decode
    monkeypatch.setattr(decode, "decode", lambda path: (seen.append(path.name), decode_one(path))[1])
    with decode.each_decoded_once():
        for _ in range(3):
            assert case.check().errors == []
        assert len(seen) == len(set(seen)) == 2
        cut_off(case.add("q.jpg", quality=95), 0.97)
        assert case.check().errors
        assert seen[2:] == ["q.jpg"]
        case.first.write_bytes(case.first.read_bytes() + b" ")
        case.check()
        assert seen[3:] == [case.first.name]
    case.check()
    assert len(seen) == 7
