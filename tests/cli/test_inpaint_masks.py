"""The mask of ``lorawrap inpaint``: shapes, Segment Anything and files together, and looking at it first."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from dataset_tools.pictures.images import read_mask, read_rgb
from tests.sam_models import make_tiny_sam
from wrapper.cli.main import run
from wrapper.diffusion.pictures.picture import read_parameters

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
WIDTH, HEIGHT = 200, 120


@pytest.fixture
def photo(tmp_path):
    """A photograph that lies on its side in the file."""
    upright = Image.fromarray(np.ascontiguousarray(astronaut()[:HEIGHT, 100 : 100 + WIDTH]))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "фото 'a' 🙂.png"
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    return path


@pytest.fixture(scope="module")
def sam(tmp_path_factory):
    return make_tiny_sam(tmp_path_factory.mktemp("sam's model"))


def mask_by(photo, tmp_path, *options):
    """What ``--save-mask`` writes in a dry run, as booleans."""
    assert (
        run(["inpaint", "--image", str(photo), *options, "--save-mask", str(tmp_path / "m.png"), "--dry-run"])
        == 0
    )
    return read_mask(tmp_path / "m.png") > 0


def test_a_shape_is_drawn_on_the_upright_picture(photo, tmp_path):
    mask = mask_by(photo, tmp_path, "--shape", "rect:150,10,190,30")
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask[10:30, 150:190].all()
    assert mask.sum() == 20 * 40


def test_files_shapes_and_sam_add_up(photo, tmp_path, sam):
    file = np.zeros((HEIGHT, WIDTH), np.uint8)
    file[100:110, 5:15] = 200
    Image.fromarray(file).save(tmp_path / "file.png")
    by_sam = ["--sam", str(sam), "--point", "50%,50%", "--negative-point", "3,3", "--box", "20,20,90,90"]
    shape = ["--shape", "rect:0,0,10,10", "--mask", str(tmp_path / "file.png")]
    alone, both = mask_by(photo, tmp_path, *by_sam), mask_by(photo, tmp_path, *by_sam, *shape)
    drawn = mask_by(photo, tmp_path, *shape)
    assert drawn.sum() == 200
    assert np.array_equal(both, alone | drawn)


@pytest.mark.parametrize(("grow", "side"), [("6", 32), ("-6", 8)])
def test_a_mask_grows_and_shrinks_in_every_direction(photo, tmp_path, grow, side):
    mask = mask_by(photo, tmp_path, "--shape", "rect:100,40,120,60", "--mask-grow", grow)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert (len(rows), len(columns)) == (side, side)
    assert rows.mean() == pytest.approx(49.5)


def test_inverted_is_everything_else_and_is_asked_about(photo, tmp_path, capsys):
    shape = ["--shape", "rect:100,40,120,60"]
    mask = mask_by(photo, tmp_path, *shape)
    assert "inverted" not in capsys.readouterr().err
    assert np.array_equal(mask_by(photo, tmp_path, *shape, "--invert-mask"), ~mask)
    assert "Is the mask inverted?" in capsys.readouterr().err


def test_a_preview_needs_no_model_and_paints_nothing(photo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "wrapper.diffusion.inpainting.painting.open_pipeline", lambda *_: pytest.fail("loaded")
    )
    argv = [
        "inpaint",
        "--image",
        str(photo),
        "--shape",
        "rect:100,40,120,60",
        "--preview",
        str(tmp_path / "p.png"),
    ]
    assert run(argv) == 0
    shown, truth = read_rgb(tmp_path / "p.png").astype(int), read_rgb(photo).astype(int)
    red = shown[50, 110] - truth[50, 110]
    assert red[0] > red[2]
    assert np.array_equal(shown[100, 5], truth[100, 5])
    said = capsys.readouterr().out
    assert "200×120, 1.7% of it masked; the model sees 84×84 of it" in said
    assert "next:" in said
    assert run(argv) == 0  # its own preview may be replaced
    Image.new("RGB", (4, 4)).save(tmp_path / "p.png")
    assert run(argv) == 2
    assert "was not made by lorawrap" in capsys.readouterr().err


def test_a_mask_is_saved_and_painted_in(tiny_base, photo, tmp_path):
    base = str(tiny_base("sd15", inpaint=True))
    argv = [
        "inpaint",
        "--base",
        base,
        "--image",
        str(photo),
        "--shape",
        "ellipse:110,50,9,9",
        "--prompt",
        "ear",
    ]
    argv += ["--steps", "1", "--seed", "1", "--mask-blur", "0", "--save-mask", str(tmp_path / "m.png")]
    assert run([*argv, "--out", str(tmp_path / "o.png")]) == 0
    changed = (read_rgb(photo) != read_rgb(tmp_path / "o.png")).any(-1)
    mask = read_mask(tmp_path / "m.png") > 0
    assert not (changed & ~mask).any()
    assert changed[mask].mean() > 0.9


@pytest.mark.parametrize("fill", ["original", "fill", "noise"])
@pytest.mark.parametrize("region", ["masked", "whole"])
@pytest.mark.parametrize("inpaint_base", [True, False], ids=["nine channels", "four channels"])
def test_region_and_fill_are_done_and_told(tiny_base, photo, tmp_path, region, fill, inpaint_base):
    base = str(tiny_base("sd15", inpaint=inpaint_base))
    argv = [
        "inpaint",
        "--base",
        base,
        "--image",
        str(photo),
        "--shape",
        "rect:100,40,120,60",
        "--prompt",
        "ear",
    ]
    argv += ["--steps", "2", "--strength", "0.5", "--seed", "1", "--region", region, "--fill", fill]
    assert run([*argv, "--mask-blur", "3", "--out", str(tmp_path / "o.png")]) == 0
    changed = (read_rgb(photo) != read_rgb(tmp_path / "o.png")).any(-1)
    assert not changed[:37].any()
    assert not changed[63:].any()
    assert changed[40:60, 100:120].mean() > 0.9
    told = read_parameters(tmp_path / "o.png").fields
    area = {"masked": "Only masked", "whole": "Whole picture"}[region]
    content = {"noise": "latent noise"}.get(fill, fill)
    assert (told["Inpaint area"], told["Masked content"], told["Mask blur"]) == (area, content, "3")
    assert told["Size"] == {"masked": "64x64", "whole": "80x48"}[region]


def test_fill_shows_below_full_strength_only(tiny_base, photo, tmp_path):
    base = str(tiny_base("sd15", inpaint=False))
    argv = [
        "inpaint",
        "--base",
        base,
        "--image",
        str(photo),
        "--shape",
        "rect:100,40,120,60",
        "--prompt",
        "ear",
    ]
    argv += ["--steps", "2", "--seed", "1"]
    made = {}
    for strength in ("0.5", "1"):
        for fill in ("original", "noise"):
            out = tmp_path / f"{strength} {fill}.png"
            assert run([*argv, "--strength", strength, "--fill", fill, "--out", str(out)]) == 0
            made[strength, fill] = read_rgb(out)
    assert not np.array_equal(made["0.5", "original"], made["0.5", "noise"])
    assert not np.array_equal(made["1", "original"], made["0.5", "original"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "What is repainted?"),
        (["--shape", "rect:0,0,300,20"], "300,20 is outside of the upright picture, 200×120 pixels"),
        (["--sam", "S", "--point", "500,5"], "--point: 500,5 is outside of the upright picture"),
        (["--sam", "S", "--point", "5"], "takes 2 numbers"),
        (["--sam", "S", "--box", "50,50,20,60"], "has no area"),
        (["--sam", "nowhere", "--point", "5,5"], "is not a folder with a SAM model"),
        (["--sam", "S"], "needs a point"),
        (["--point", "5,5"], "go with --sam"),
        (["--shape", "rect:5,5,9,9", "--mask-grow", "-4"], "shrinking leaves nothing"),
        (["--mask", "gone.png"], "gone.png: there is no such file"),
        (["--shape", "rect:5,5,9,9", "--preview", "p.jpg"], "saved as .png"),
    ],
    ids=["none", "outside", "point", "count", "box", "model", "no prompt", "no sam", "shrunk", "gone", "jpg"],
)
def test_wrong_masks_are_one_sentence(photo, sam, capsys, options, said):
    argv = ["inpaint", "--image", str(photo), *(str(sam) if text == "S" else text for text in options)]
    assert run([*argv, "--dry-run"]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
