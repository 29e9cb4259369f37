"""``lorawrap inpaint`` for many: a manifest's rows, variants, going on where it stopped, failing rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from dataset_tools.errors import RunFailed
from dataset_tools.pictures.images import read_rgb
from tests.condition_models import make_control_net
from tests.diffusion.small_lora import write_small_lora
from wrapper.cli.main import run
from wrapper.diffusion.inpainting import painting
from wrapper.diffusion.pictures.picture import read_parameters

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ROW = {"subject": "s", "consent": "c1", "age": "26-30", "view": "front", "type": "bust", "ear_side": "left"}
MINOR = {"age": "15-17", "consent": {"id": "c2", "by": "guardian"}, "prompt": "ear of a 16 year old"}
SIDE = 72


def save_picture_and_mask(folder, name, box=(20, 20, 30, 32)):
    (folder / "a b").mkdir(exist_ok=True)
    Image.fromarray(np.ascontiguousarray(astronaut()[:SIDE, 100 : 100 + SIDE])).save(
        folder / f"a b/{name}.png"
    )
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[box[1] : box[3], box[0] : box[2]] = 255
    Image.fromarray(mask).save(folder / f"a b/{name} mask.png")
    return {**ROW, "image": f"a b/{name}.png", "mask": f"a b/{name} mask.png", "prompt": f"ear {name}"}


def write_manifest(folder, rows):
    text = "\n".join(json.dumps(row) for row in rows)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    return folder / "manifest.jsonl"


@pytest.fixture
def rows(tmp_path):
    return [save_picture_and_mask(tmp_path, name) for name in ("ухо 1", "it's 2 👂")]


@pytest.fixture
def argv(tiny_base, tmp_path):
    base = str(tiny_base("sd15", inpaint=True))
    manifest = str(tmp_path / "manifest.jsonl")
    common = ["--steps", "1", "--cfg", "2", "--mask-blur", "2"]
    return ["inpaint", "--base", base, "--manifest", manifest, "--out", str(tmp_path / "out"), *common]


@pytest.fixture
def one(argv, tmp_path, rows):
    """A single photograph, with the same settings."""
    start = argv.index("--manifest")
    image, mask = (str(tmp_path / rows[0][key]) for key in ("image", "mask"))
    files = ["--image", image, "--mask", mask, "--prompt", "ear", "--out", str(tmp_path / "new.png")]
    return [*argv[:start], *files, *argv[start + 4 :]]


def count_openings(monkeypatch):
    opened = []
    real = painting.open_pipeline
    monkeypatch.setattr(painting, "open_pipeline", lambda *given: opened.append(1) or real(*given))
    return opened


def test_every_row_is_painted_with_its_own_prompt_by_one_model(argv, tmp_path, rows, monkeypatch):
    opened = count_openings(monkeypatch)
    write_manifest(tmp_path, [rows[0], {**rows[1], "negative": "waxy"}])
    assert run([*argv, "--negative", "plastic"]) == 0
    told = [read_parameters(tmp_path / "out" / row["image"]) for row in rows]
    assert [(one.prompt, one.negative) for one in told] == [
        ("ear ухо 1", "plastic"),
        ("ear it's 2 👂", "waxy"),
    ]
    assert told[0].fields["Seed"] != told[1].fields["Seed"]
    assert len(opened) == 1
    before, after = (read_rgb(folder / rows[0]["image"]) for folder in (tmp_path, tmp_path / "out"))
    changed = (before != after).any(-1)
    assert changed[20:32, 20:30].mean() > 0.9
    assert not changed[:17].any()


def test_it_goes_on_where_it_stopped(argv, tmp_path, rows, monkeypatch, capsys):
    opened = count_openings(monkeypatch)
    write_manifest(tmp_path, rows)
    assert run(argv) == 0
    outs = [tmp_path / "out" / row["image"] for row in rows]
    first = [out.read_bytes() for out in outs]
    outs[1].unlink()
    assert run(argv) == 0
    assert "1 of the pictures are there already" in capsys.readouterr().out
    assert [out.read_bytes() for out in outs] == first
    assert run(argv) == 0
    assert len(opened) == 2  # nothing to paint, nothing to load


@pytest.mark.parametrize("change", ["steps", "mask", "picture", "prompt", "grow", "lora"])
def test_what_changes_a_picture_has_it_painted_again(argv, tmp_path, rows, monkeypatch, change):
    write_manifest(tmp_path, rows[:1])
    lora = write_small_lora(tmp_path / "l.safetensors")
    assert run([*argv, "--lora", str(lora)]) == 0
    opened = count_openings(monkeypatch)
    more = {"steps": ["--steps", "2"], "grow": ["--mask-grow", "1"]}.get(change, [])
    if change == "mask":
        save_picture_and_mask(tmp_path, "ухо 1", (20, 20, 31, 32))
    elif change == "picture":
        Image.new("RGB", (SIDE, SIDE), "red").save(tmp_path / rows[0]["image"])
    elif change == "prompt":
        write_manifest(tmp_path, [{**rows[0], "prompt": "another ear"}])
    elif change == "lora":
        write_small_lora(lora, seed=2)
    assert run([*argv, "--lora", str(lora), *more]) == 0
    assert len(opened) == 1


def test_failing_rows_do_not_lose_the_others(argv, tmp_path, rows, capsys):
    bad = [save_picture_and_mask(tmp_path, f"bad {number}") for number in range(4)]
    Image.new("L", (9, 9), 255).save(tmp_path / bad[0]["mask"])
    (tmp_path / bad[1]["image"]).write_bytes(b"no picture")
    Image.new("L", (SIDE, SIDE)).save(tmp_path / bad[2]["mask"])
    bad[3]["mask"] = None
    write_manifest(tmp_path, [bad[0], rows[0], *bad[1:], rows[1]])
    assert run(argv) == 2
    said = capsys.readouterr()
    assert all((tmp_path / "out" / row["image"]).is_file() for row in rows)
    assert "4 of 6 rows could not be repainted" in said.err
    for number, words in enumerate(["mask is 9×9", "not a picture", "is empty", "the row has no mask"]):
        assert sum(f"bad {number}.png" in line and words in line for line in said.err.splitlines()) == 1
    assert not list((tmp_path / "out").rglob(".part*"))


def test_a_row_that_the_model_fails_on_is_a_failed_run(argv, tmp_path, rows, monkeypatch, capsys):
    real = painting.paint

    def failing(pipeline, view, prompt, *rest):
        if "1" in prompt.text:
            raise RunFailed("The memory of 'cpu' is not enough for a picture of 64×64.")
        return real(pipeline, view, prompt, *rest)

    monkeypatch.setattr(painting, "paint", failing)
    write_manifest(tmp_path, rows)
    assert run(argv) == 1
    assert "ухо 1.png: The memory of 'cpu' is not enough" in capsys.readouterr().err
    assert not (tmp_path / "out" / rows[0]["image"]).exists()
    assert (tmp_path / "out" / rows[1]["image"]).is_file()


def test_a_dry_run_checks_every_row_and_paints_none(argv, tmp_path, rows, monkeypatch, capsys):
    opened = count_openings(monkeypatch)
    write_manifest(tmp_path, rows)
    assert run([*argv, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "72×72, 2.3% of it masked" in said
    assert "2 pictures to paint, 0 are there already." in said
    assert not (tmp_path / "out").exists()
    assert not opened


@pytest.mark.parametrize(
    ("row", "options", "said"),
    [
        ({"prompt": ""}, [], "the row has no prompt"),
        ({"prompt": "ear <lora:x:1>"}, [], "LoRA tag in a row's prompt"),
        ({"prompt": ""}, ["--prompt", "ear of a 9 year old"], "although age is 26-30"),
        ({"consent": ""}, [], "consent"),
        ({**MINOR, "consent": "c"}, [], "guardian"),
        ({**MINOR, "type": "full"}, [], "only type ear or bust"),
        ({}, ["--mask", "m.png"], "--mask with --manifest"),
        ({}, ["--shape", "rect:1,1,5,5"], "--shape with --manifest"),
        ({}, ["--preview", "p.png"], "--preview with --manifest"),
    ],
    ids=["prompt", "tag", "age", "consent", "guardian", "type", "mask", "shape", "preview"],
)
def test_a_row_that_may_not_be_painted_is_one_sentence(argv, tmp_path, rows, capsys, row, options, said):
    write_manifest(tmp_path, [{**rows[0], **row}])
    assert run([*argv, *options]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "out").exists()


def test_under_18_an_ear_is_repaired_and_no_more(argv, tmp_path, rows, capsys):
    write_manifest(tmp_path, [{**rows[0], **MINOR}])
    assert run(argv) == 0
    most = save_picture_and_mask(tmp_path, "most", (2, 2, 70, 70))
    write_manifest(tmp_path, [{**most, **MINOR}])
    assert run(argv) == 2
    assert "Under 18, only the ear is repaired" in capsys.readouterr().err


def test_without_a_manifest_nobody_is_under_18(one, capsys):
    assert run([*one, "--prompt", "ear of a 16 year old"]) == 2
    shown = capsys.readouterr().err
    assert "asks for a person under 18" in shown
    assert "give --manifest" in shown


def test_rows_without_a_prompt_take_the_captions_or_the_commands(argv, tmp_path, rows):
    write_manifest(tmp_path, [{**rows[0], "prompt": ""}, {**rows[1], "prompt": "", "caption": "a caption"}])
    assert run([*argv, "--prompt", "an ear"]) == 0
    told = [read_parameters(tmp_path / "out" / row["image"]).prompt for row in rows]
    assert told == ["an ear", "a caption"]


def test_variants_are_saved_one_by_one_and_shown_on_a_sheet(one, tmp_path, capsys):
    assert run([*one, "--seed", "4294967295", "--count", "2"]) == 0
    first, second = (read_rgb(tmp_path / f"new-{seed}.png") for seed in (4294967295, 0))
    assert not np.array_equal(first, second)
    assert read_rgb(tmp_path / "new_sheet.png").shape[1] > 3 * SIDE
    assert not (tmp_path / "new.png").exists()
    assert "new_sheet.png" in capsys.readouterr().out
    assert run([*one, "--seed", "4294967295", "--count", "2"]) == 0
    assert "2 of the pictures are there already" in capsys.readouterr().out
    assert run([*one, "--seed", "0"]) == 0
    assert np.array_equal(read_rgb(tmp_path / "new.png"), second)  # alone as among others, to the bit


def test_the_same_seed_is_the_same_file_to_the_bit(one, tmp_path):
    assert run([*one, "--seed", "7"]) == 0
    first = (tmp_path / "new.png").read_bytes()
    (tmp_path / "new.png").unlink()
    assert run([*one, "--seed", "7"]) == 0
    assert (tmp_path / "new.png").read_bytes() == first
    assert run([*one, "--seed", "8"]) == 0
    assert (tmp_path / "new.png").read_bytes() != first


def test_several_loras_act_together_and_are_told(one, tmp_path):
    files = [write_small_lora(tmp_path / f"l{number}.safetensors", seed=number) for number in (1, 2)]
    pictures = []
    for loras in (files[:1], files):
        given = [text for path in loras for text in ("--lora", f"{path}:0.5")]
        assert run([*one, "--seed", "7", *given]) == 0
        pictures.append(read_rgb(tmp_path / "new.png"))
    assert not np.array_equal(*pictures)
    assert read_parameters(tmp_path / "new.png").prompt == "ear <lora:l1:0.5> <lora:l2:0.5>"


def test_a_lora_for_another_kind_of_base_is_named_and_nothing_is_written(one, tiny_base, tmp_path, capsys):
    lora = write_small_lora(tmp_path / "l.safetensors")
    one[one.index("--base") + 1] = str(tiny_base("sdxl"))
    assert run([*one, "--lora", str(lora)]) == 2
    assert "l.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "new.png").exists()


def test_a_grey_photograph_stays_grey(one, tmp_path):
    grey = Image.fromarray(astronaut()[:SIDE, :SIDE, 0].copy())
    grey.save(one[one.index("--image") + 1])
    assert run([*one, "--seed", "1"]) == 0
    with Image.open(tmp_path / "new.png") as new:
        assert new.mode == "L"
        changed = np.asarray(new) != np.asarray(grey)
    assert changed[20:32, 20:30].mean() > 0.9
    assert not changed[:17].any()


def test_what_a_photograph_or_a_format_cannot_keep_is_said(one, tmp_path, capsys):
    picture = Image.fromarray(np.ascontiguousarray(astronaut()[:SIDE, :SIDE])).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(one[one.index("--image") + 1])
    assert run([*one, "--out", str(tmp_path / "new.jpg")]) == 0
    assert "JPEG has no transparency" in capsys.readouterr().err
    picture.convert("CMYK").save(tmp_path / "c.tif")
    one[one.index("--image") + 1] = str(tmp_path / "c.tif")
    assert run(one) == 0
    assert "c.tif: CMYK colours become sRGB" in capsys.readouterr().err


def test_missing_options_are_named(tmp_path, argv, capsys):
    assert run(["inpaint", "--base", "demo"]) == 2
    assert (
        run(["inpaint", "--base", "demo", "--image", str(tmp_path / "a.png"), "--shape", "rect:1,1,5,5"]) == 2
    )
    said = capsys.readouterr().err
    assert "Missing option: --image" in said
    assert "Missing option: --prompt, --out" in said


def test_controls_are_cut_like_the_photograph_and_told(one, tiny_base, tmp_path, capsys):
    net = make_control_net(tiny_base("sd15"), tmp_path / "net")
    one[one.index("--base") + 1] = str(tiny_base("sd15"))
    Image.linear_gradient("L").resize((SIDE, SIDE)).save(tmp_path / "depth.png")
    assert run([*one, "--seed", "1"]) == 0
    without = read_rgb(tmp_path / "new.png")
    control = ["--control", f"depth={tmp_path / 'depth.png'}", "--control-model", f"depth={net}"]
    assert run([*one, "--seed", "1", *control]) == 0
    assert not np.array_equal(read_rgb(tmp_path / "new.png"), without)
    assert "ControlNet 0" in read_parameters(tmp_path / "new.png").fields
    Image.linear_gradient("L").rotate(90).resize((2 * SIDE, SIDE)).save(tmp_path / "depth.png")
    first = (tmp_path / "new.png").read_bytes()
    assert "depth" not in capsys.readouterr().err
    assert run([*one, "--seed", "1", *control]) == 0
    assert (tmp_path / "new.png").read_bytes() != first  # another control image, another picture
    assert "depth" in capsys.readouterr().err  # is not of the photograph's shape


def test_of_a_control_image_only_what_lies_about_the_mask_counts(one, tiny_base, tmp_path):
    net = make_control_net(tiny_base("sd15"), tmp_path / "net")
    one[one.index("--base") + 1] = str(tiny_base("sd15"))
    control = ["--control", f"depth={tmp_path / 'd.png'}", "--control-model", f"depth={net}", "--seed", "1"]
    depth = np.asarray(Image.linear_gradient("L").resize((SIDE, SIDE))).copy()
    pictures = []
    for corner in (0, 255):
        depth[60:, 60:] = corner  # the model sees 48 pixels about the mask, from the upper left corner on
        Image.fromarray(depth).save(tmp_path / "d.png")
        assert run([*one, *control]) == 0
        pictures.append(read_rgb(tmp_path / "new.png"))
    assert np.array_equal(*pictures)
