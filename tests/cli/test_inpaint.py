"""``lorawrap inpaint`` on photographs of odd sizes: exact outside the mask, and plain about wrong input."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.data import astronaut

from dataset_tools.pictures.images import read_rgb
from tests.diffusion.small_lora import write_small_lora
from tests.evaluation.projects import make_project
from wrapper.cli.main import run
from wrapper.diffusion.pictures.photograph import read_photograph
from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ORIENTATION, TURNED, MAKE = 0x0112, 6, 0x010F
EAR = (slice(120, 160), slice(150, 175))
BLUR = 4


@pytest.fixture
def photo(tmp_path):
    """A photograph on its side, with EXIF and a colour profile, and the mask of its upright view."""
    upright = np.ascontiguousarray(astronaut()[:301, 60:411])
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = TURNED, "Camera"
    path = tmp_path / "фото 'a' 🙂.png"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(path, exif=exif, icc_profile=profile)
    mask = np.zeros(upright.shape[:2], np.uint8)
    mask[EAR] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return path


@pytest.fixture
def argv(tiny_base, photo, tmp_path):
    base = str(tiny_base("sd15", inpaint=True))
    files = ["--image", str(photo), "--mask", str(tmp_path / "mask.png"), "--prompt", "an ear"]
    return ["inpaint", "--base", base, *files, "--seed", "3", "--steps", "2", "--cfg", "2"]


@pytest.mark.parametrize("end", ["png", "webp"])
def test_nothing_outside_the_feathered_mask_changes(argv, photo, tmp_path, end):
    out = tmp_path / "out" / f"new.{end}"
    assert run([*argv, "--mask-blur", str(BLUR), "--out", str(out)]) == 0
    before, after = read_photograph(photo), read_photograph(out)
    changed = (before.pixels != after.pixels).any(-1)
    allowed = np.zeros_like(changed)
    rows, columns = EAR
    allowed[rows.start - BLUR : rows.stop + BLUR, columns.start - BLUR : columns.stop + BLUR] = True
    assert not (changed & ~allowed).any()
    assert changed[EAR].mean() > 0.9
    assert after.icc_profile == before.icc_profile
    with Image.open(out) as image:
        assert image.getexif()[MAKE] == "Camera"
        assert ORIENTATION not in image.getexif()


def test_the_picture_tells_what_was_done(argv, tmp_path):
    lora = write_small_lora(tmp_path / "l.safetensors")
    assert run([*argv, "--lora", str(lora), "--strength", "0.5", "--out", str(tmp_path / "o.png")]) == 0
    told = read_parameters(tmp_path / "o.png")
    assert told.prompt == "an ear <lora:l:1>"
    wanted = {"Denoising strength": "0.5", "Seed": "3", "Size": "64x64", "Mask blur": "4"}
    assert wanted.items() <= dict(told.fields).items()
    assert read_digital_source(tmp_path / "o.png") == "compositeWithTrainedAlgorithmicMedia"


def test_jpeg_is_written_with_a_warning_that_it_is_lossy(argv, tmp_path, capsys):
    assert run([*argv, "--out", str(tmp_path / "o.jpg")]) == 0
    assert "JPEG encodes all pixels anew" in capsys.readouterr().err
    assert read_rgb(tmp_path / "o.jpg").shape == (301, 351, 3)


def test_the_users_files_are_left_as_they_were(argv, photo, tmp_path):
    before = photo.read_bytes(), (tmp_path / "mask.png").read_bytes()
    assert run([*argv, "--out", str(tmp_path / "o.png")]) == 0
    assert (photo.read_bytes(), (tmp_path / "mask.png").read_bytes()) == before


def test_an_own_picture_may_be_replaced_a_users_file_may_not(argv, photo, tmp_path, capsys):
    out = tmp_path / "o.png"
    assert run([*argv, "--out", str(out)]) == 0
    assert run([*argv, "--out", str(out)]) == 0
    Image.new("RGB", (4, 4)).save(out)
    assert run([*argv, "--out", str(out)]) == 2
    assert run([*argv, "--out", str(photo)]) == 2
    said = capsys.readouterr().err
    assert "was not made by lorawrap" in said
    assert "is the picture to be repainted" in said


def test_an_inverted_mask_is_asked_about(argv, tmp_path, capsys):
    with Image.open(tmp_path / "mask.png") as image:
        mask = np.asarray(image)
    assert run([*argv, "--out", str(tmp_path / "o.png")]) == 0
    assert "inverted" not in capsys.readouterr().err
    Image.fromarray(255 - mask).save(tmp_path / "mask.png")
    assert run([*argv, "--out", str(tmp_path / "o.png")]) == 0
    assert "Is the mask inverted?" in capsys.readouterr().err


def test_a_pipe_in_the_place_of_the_picture_is_not_waited_for(argv, tmp_path, capsys):
    os.mkfifo(tmp_path / "o.png")
    assert run([*argv, "--out", str(tmp_path / "o.png")]) == 2
    assert "was not made by lorawrap" in capsys.readouterr().err


def test_a_project_gives_base_lora_and_settings(tiny_base, photo, tmp_path):
    folder = make_project(tmp_path / "p", tiny_base)
    files = ["--image", str(photo), "--mask", str(tmp_path / "mask.png"), "--out", str(tmp_path / "o.png")]
    assert run(["inpaint", "--project", str(folder), *files, "--prompt", "ear", "--seed", "1"]) == 0
    told = read_parameters(tmp_path / "o.png")
    assert told.prompt == "ear <lora:my face_stage_b:1>"
    assert (told.fields["Steps"], told.fields["Denoising strength"]) == ("2", "0.5")


@pytest.mark.parametrize(
    ("spoil", "extra", "said"),
    [
        (lambda m: m[:, :100], [], "mask is 100×301 pixels, the upright image 351×301"),
        (lambda m: m * 0, [], "mask is empty"),
        (lambda m: m, ["--out", "o.gif"], "pictures are saved as .png"),
        (lambda m: m, ["--sampler", "Heum"], "Did you mean 'Heun'?"),
        (lambda m: m, ["--steps", "2", "--strength", "0.1"], "less than one step"),
        (lambda m: m, ["--lora", "gone.safetensors"], "gone.safetensors: there is no such LoRA file"),
        (lambda m: m, ["--lora", __file__], "is not a whole .safetensors file"),
        (lambda m: m, ["--strength", "nan"], "A strength of nan is not above 0"),
        (lambda m: m, ["--negative", "adult"], "'adult' keeps adults away"),
        (lambda m: m, ["--image", "gone.png"], "gone.png"),
        (lambda m: m, ["--out", f"{__file__}/o.png"], "is a file, not a folder"),
        (lambda m: m, ["--base", "demo", "--set", "inpaint.steps=2"], "--set without a project"),
    ],
    ids=[
        "size",
        "empty",
        "format",
        "sampler",
        "strength",
        "lora",
        "no lora",
        "nan",
        "no adult",
        "image",
        "place",
        "set",
    ],
)
def test_wrong_input_is_one_sentence_and_nothing_is_written(argv, tmp_path, capsys, spoil, extra, said):
    with Image.open(tmp_path / "mask.png") as image:
        mask = np.asarray(image)
    Image.fromarray(np.ascontiguousarray(spoil(mask))).save(tmp_path / "mask.png")
    before = sorted(tmp_path.iterdir())
    assert run([*argv, "--out", str(tmp_path / "o.png"), *extra]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert sorted(tmp_path.iterdir()) == before
