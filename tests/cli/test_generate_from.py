"""``lorawrap generate --from``: the same picture again, bit for bit, or one sentence why not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dataset_tools.pictures.images import read_rgb
from tests.diffusion.small_lora import write_small_lora
from wrapper.cli.main import run
from wrapper.diffusion.pictures import model_hash
from wrapper.diffusion.pictures.model_hash import lora_hash
from wrapper.diffusion.pictures.picture import read_parameters

PROMPT = 'a (woman:1.2), «ухо»: "x" \\(y\\)\nSteps: 3, BREAK [left] 🙂,'
SETTINGS = ["--negative", "waxy, a: b", "--sampler", "DPM++ 2M Karras", "--steps", "3", "--cfg", "3.7"]
SETTINGS += ["--seed", "7", "--width", "64", "--height", "48", "--clip-skip", "2"]


@pytest.fixture
def base(tiny_base):
    return str(tiny_base("sd15"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LORAWRAP_CACHE_DIR", str(tmp_path / "cache"))
    model_hash._begun.cache_clear()


def first(folder: str, end: str = "png") -> Path:
    return sorted(Path(folder).glob(f"*.{end}"))[0]


def test_settings_prompt_and_loras_are_those_of_the_picture(base):
    write_small_lora(Path("loras/my ухо.safetensors"), strength=3.0)
    write_small_lora(Path("b.safetensors"), seed=1, strength=2.0)
    loras = ["--lora", "b.safetensors:0.123456789"]
    prompt = f"{PROMPT} <lora:my ухо:0.5:1.25>"
    assert run(["generate", "--base", base, "--prompt", prompt, *SETTINGS, *loras, "--out", "one"]) == 0
    assert run(["generate", "--from", str(first("one")), "--out", "two"]) == 0
    assert np.array_equal(read_rgb(first("one")), read_rgb(first("two")))
    assert read_parameters(first("one")) == read_parameters(first("two"))


@pytest.mark.parametrize("end", ["png", "webp", "jpg"])
def test_every_format_draws_again(base, end):
    argv = ["generate", "--base", base, "--prompt", PROMPT, *SETTINGS]
    assert run([*argv, "--out", "png"]) == 0
    assert run([*argv, "--format", end, "--out", "one"]) == 0
    assert run(["generate", "--base", base, "--from", str(first("one", end)), "--out", "two"]) == 0
    assert np.array_equal(read_rgb(first("png")), read_rgb(first("two")))


def test_a_picture_of_a_batch_is_drawn_again_by_itself(base):
    argv = ["generate", "--base", base, "--prompt", "a", "--steps", "2", "--seed", "3", "--count", "4"]
    assert run([*argv, "--out", "four"]) == 0
    assert run(["generate", "--from", "four/00003-5.png", "--out", "one"]) == 0
    assert np.array_equal(read_rgb(Path("four/00003-5.png")), read_rgb(first("one")))


def test_the_same_folder_holds_both(base):
    assert (
        run(["generate", "--base", base, "--prompt", "a", "--steps", "2", "--seed", "3", "--out", "o"]) == 0
    )
    assert run(["generate", "--from", "o/00001-3.png", "--out", "o"]) == 0
    assert Path("o/00001-3.png").read_bytes() == Path("o/00002-3.png").read_bytes()


def test_other_options_change_the_picture_and_nothing_else(base):
    assert run(["generate", "--base", base, "--prompt", PROMPT, *SETTINGS, "--out", "one"]) == 0
    assert run(["generate", "--from", str(first("one")), "--seed", "8", "--steps", "2", "--out", "two"]) == 0
    one, two = (dict(read_parameters(first(name)).fields) for name in ("one", "two"))
    assert (two.pop("Seed"), two.pop("Steps")) == ("8", "2")
    assert (one.pop("Seed"), one.pop("Steps")) == ("7", "3")
    assert one == two


def test_a_hires_picture_is_drawn_again(base):
    argv = ["generate", "--base", base, "--prompt", "a", "--steps", "2", "--seed", "3", "--hires", "1.5"]
    assert run([*argv, "--hires-upscaler", "Lanczos", "--hires-strength", "0.55", "--out", "one"]) == 0
    assert run(["generate", "--from", str(first("one")), "--out", "two"]) == 0
    assert read_rgb(first("two")).shape == (96, 96, 3)
    assert np.array_equal(read_rgb(first("one")), read_rgb(first("two")))


def drawn_with_a_lora(base: str) -> Path:
    write_small_lora(Path("loras/l.safetensors"), strength=3.0)
    argv = ["generate", "--base", base, "--prompt", "a <lora:l:1>", "--steps", "2", "--seed", "3"]
    assert run([*argv, "--out", "one"]) == 0
    return first("one")


def test_a_renamed_lora_is_found_by_its_hash(base):
    picture = drawn_with_a_lora(base)
    Path("elsewhere").mkdir()
    Path("loras/l.safetensors").rename("elsewhere/renamed.safetensors")
    argv = ["generate", "--from", str(picture), "--lora-folder", "elsewhere", "--out", "two"]
    assert run(argv) == 0
    assert np.array_equal(read_rgb(picture), read_rgb(first("two")))


def test_another_lora_of_the_name_is_refused_until_it_is_wanted(base, capsys):
    picture = drawn_with_a_lora(base)
    write_small_lora(Path("loras/l.safetensors"), seed=5, strength=3.0)
    argv = ["generate", "--from", str(picture), "--out", "two"]
    assert run(argv) == 2
    assert "was drawn with a LoRA 'l'" in capsys.readouterr().err
    assert not Path("two").exists()
    assert run([*argv, "--other-models"]) == 0
    assert not np.array_equal(read_rgb(picture), read_rgb(first("two")))


def test_a_missing_lora_and_one_too_many_are_refused(base, capsys):
    picture = drawn_with_a_lora(base)
    write_small_lora(Path("other.safetensors"), seed=5)
    assert run(["generate", "--from", str(picture), "--lora", "other.safetensors", "--out", "two"]) == 2
    assert "other.safetensors: is not a LoRA of" in capsys.readouterr().err
    Path("loras/l.safetensors").unlink()
    assert run(["generate", "--from", str(picture), "--out", "two"]) == 2
    assert "its LoRA 'l' (" in capsys.readouterr().err


def test_another_base_is_refused_until_it_is_wanted(base, tmp_path, capsys):
    assert (
        run(["generate", "--base", base, "--prompt", "a", "--steps", "2", "--seed", "3", "--out", "o"]) == 0
    )
    other = shutil.copytree(base, tmp_path / "other")
    (other / "scheduler" / "scheduler_config.json").unlink()
    argv = ["generate", "--base", str(other), "--from", "o/00001-3.png", "--out", "two"]
    assert run(argv) == 2
    assert "is another one" in capsys.readouterr().err
    assert run([*argv, "--other-models"]) == 0


def a1111_picture(text: str) -> Path:
    chunks = PngInfo()
    chunks.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save("a1111.png", pnginfo=chunks)
    return Path("a1111.png")


A1111 = (
    "portrait of a woman <lora:face:0.8>, smiling\nNegative prompt: bad\nSteps: 2, Sampler: DPM++ 2M, "
    "Schedule type: Karras, CFG scale: 5, Seed: 9, Size: 48x64, Model hash: 0123456789, Model: dream, "
    'Clip skip: 2, Variation seed: 5, Lora hashes: "face: {}", Version: v1.10.1'
)


def test_a_picture_of_a1111s_is_followed_as_far_as_it_goes_and_the_rest_is_named(base, capsys):
    lora = write_small_lora(Path("loras/other name.safetensors"))
    picture = a1111_picture(A1111.format(lora_hash(lora)))
    assert run(["generate", "--base", base, "--from", str(picture), "--out", "two"]) == 0
    told = read_parameters(first("two"))
    assert told.prompt == "portrait of a woman , smiling <lora:other name:0.8>"
    assert told.negative == "bad"
    wanted = {
        "Sampler": "DPM++ 2M",
        "Schedule type": "Karras",
        "Seed": "9",
        "Size": "48x64",
        "Clip skip": "2",
    }
    assert wanted.items() <= dict(told.fields).items()
    said = capsys.readouterr().err
    for part in ("Variation seed: 5", "RNG", "'dream' cannot be told"):
        assert part in said


def test_a_control_image_that_is_not_given_again_is_asked_for(base, capsys):
    control = '"Module: none, Model: depth, Weight: 1"'
    fields = f"Seed: 9, Size: 8x8, ControlNet 0: {control}, Version: lorawrap 0.1.0"
    picture = a1111_picture(f"a\nSteps: 2, Sampler: Euler a, CFG scale: 5, {fields}")
    assert run(["generate", "--base", base, "--from", str(picture), "--out", "two"]) == 2
    said = capsys.readouterr().err
    assert "ControlNet 0 was 'Module: none" in said
    assert "--control" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a cat", "carries no generation parameters"),
        ("a 15 year old\nSteps: 2, Sampler: Euler a, CFG scale: 5, Seed: 9, Size: 48x64", "under 18"),
        ("a\nSteps: 2, Sampler: Euler a, CFG scale: x, Seed: 9, Size: 48x64", "are damaged"),
        ("a\nSteps: 2, Sampler: Euler a, CFG scale: 5, Seed: 9, Size: big", "are damaged"),
        ("a\nSteps: 2, Sampler: DDIM CFG++, CFG scale: 5, Seed: 9, Size: 48x64", "not in diffusers"),
        (
            "a\nSteps: 2, Sampler: Euler a, CFG scale: 5, Seed: 9, Size: 48x64, Mask blur: 4",
            "lorawrap inpaint",
        ),
    ],
    ids=["none", "minor", "number", "size", "sampler", "repainted"],
)
def test_what_cannot_be_drawn_again_is_one_sentence(base, capsys, text, said):
    assert run(["generate", "--base", base, "--from", str(a1111_picture(text)), "--out", "two"]) == 2
    assert said in capsys.readouterr().err
    assert not Path("two").exists()


@pytest.mark.parametrize(("name", "said"), [("gone.png", "no such picture"), ("no.png", "not a picture")])
def test_a_file_that_is_no_picture(base, capsys, name, said):
    Path("no.png").write_bytes(b"no")
    assert run(["generate", "--base", base, "--from", name]) == 2
    assert said in capsys.readouterr().err


def test_a_base_that_was_never_used_here_must_be_named(capsys):
    picture = a1111_picture(
        "a\nSteps: 2, Sampler: Euler a, CFG scale: 5, Seed: 9, Size: 48x64, Model hash: ffff"
    )
    assert run(["generate", "--from", str(picture)]) == 2
    assert "Give it with --base" in capsys.readouterr().err


def test_a_prompt_is_drawn_to_the_letter_beside_a_lora_of_the_command_line(base):
    write_small_lora(Path("l.safetensors"), strength=3.0)
    argv = ["generate", "--base", base, "--prompt", "two\n\nlines,", "--steps", "2", "--seed", "3"]
    assert run([*argv, "--lora", "l.safetensors", "--out", "one"]) == 0
    assert run(["generate", "--from", str(first("one")), "--out", "two"]) == 0
    assert read_parameters(first("one")) == read_parameters(first("two"))
    assert read_parameters(first("two")).prompt == "two\n\nlines, <lora:l:1>"
