"""``lorawrap generate``: anywhere with --base, in a project, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.pictures.images import read_rgb
from tests.diffusion.small_lora import write_small_lora
from tests.evaluation.projects import make_project
from wrapper.cli.main import run
from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def base(tiny_base):
    return str(tiny_base("sd15"))


def drawn(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def test_pictures_are_numbered_seeds_count_up_and_parameters_tell(base, tmp_path, capsys):
    out = tmp_path / "my 'pictures' 🙂"
    lora = write_small_lora(tmp_path / "ухо.safetensors")
    argv = ["generate", "--base", base, "--prompt", "a woman", "--negative", "waxy", "--steps", "2"]
    code = run([*argv, "--lora", f"{lora}:0.5", "--seed", "9", "--count", "2", "--out", str(out)])
    assert code == 0
    assert [path.name for path in drawn(out)] == ["00001-9.png", "00002-10.png"]
    told = read_parameters(drawn(out)[1])
    assert (told.prompt, told.negative, told.fields["Seed"]) == ("a woman <lora:ухо:0.5>", "waxy", "10")
    assert told.fields["Lora hashes"].startswith("ухо: ")
    assert read_digital_source(drawn(out)[0]) == "trainedAlgorithmicMedia"
    assert "next:" in capsys.readouterr().out


def test_a_lora_changes_the_picture_and_weight_zero_does_not(base, tmp_path):
    lora = write_small_lora(tmp_path / "l.safetensors", strength=3.0)
    argv = ["generate", "--base", base, "--prompt", "a woman", "--seed", "9", "--steps", "2"]
    for name, extra in {
        "without": [],
        "zero": ["--lora", f"{lora}:0"],
        "with": ["--lora", str(lora)],
    }.items():
        assert run([*argv, *extra, "--out", str(tmp_path / name)]) == 0
    pixels = {name: read_rgb(drawn(tmp_path / name)[0]) for name in ("without", "zero", "with")}
    assert np.abs(pixels["without"].astype(int) - pixels["zero"]).max() <= 1
    assert np.abs(pixels["without"].astype(int) - pixels["with"]).max() > 5


def test_a_picture_that_overflows_is_a_failed_run_and_not_saved(base, tmp_path, capsys):
    lora = write_small_lora(tmp_path / "l.safetensors")
    argv = ["generate", "--base", base, "--prompt", "a woman", "--seed", "9", "--steps", "2"]
    assert run([*argv, "--lora", f"{lora}:1e38", "--out", str(tmp_path / "out")]) == 1
    assert "seed 9 is not made of numbers" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_tag_in_the_prompt_is_the_same_as_the_option(base, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_small_lora(tmp_path / "loras" / "my face.safetensors")
    argv = ["generate", "--base", base, "--seed", "9", "--steps", "2"]
    assert run([*argv, "--prompt", "a woman <lora:my face:0.7>", "--out", "tag"]) == 0
    option = ["--lora", "loras/my face.safetensors:0.7"]
    assert run([*argv, "--prompt", "a woman", *option, "--out", "option"]) == 0
    tag, plain = drawn(Path("tag"))[0], drawn(Path("option"))[0]
    assert np.array_equal(read_rgb(tag), read_rgb(plain))
    assert read_parameters(tag) == read_parameters(plain)


def test_a_projects_prompts_are_drawn_with_and_without_its_lora(tiny_base, tmp_path):
    folder = make_project(tmp_path / "my project", tiny_base)
    assert run(["generate", "--project", str(folder)]) == 0
    rows = json.loads((folder / "images" / "txt2img.json").read_text(encoding="utf-8"))
    assert [(row["prompt"], row["seed"]) for row in rows] == [
        (prompt, seed) for prompt in ("photo of a woman", "photo of a man") for seed in (5, 6)
    ]
    for row in rows:
        without, with_lora = (read_rgb(folder / "images" / row[key]) for key in ("base", "lora"))
        assert without.shape == (64, 64, 3)
        assert not np.array_equal(without, with_lora)
        assert "<lora:my face_stage_a:1>" in read_parameters(folder / "images" / row["lora"]).prompt
    assert (folder / "images" / "txt2img_sheet.png").is_file()


def test_a_prompt_in_a_project_uses_its_base_and_lora(tiny_base, tmp_path):
    folder = make_project(tmp_path / "p", tiny_base)
    assert run(["generate", "--project", str(folder), "--prompt", "a man", "--seed", "1"]) == 0
    told = read_parameters(folder / "images" / "00001-1.png")
    assert told.prompt == "a man <lora:my face_stage_a:1>"
    assert (told.negative, told.fields["Steps"]) == ("waxy", "2")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--prompt", "portrait of a 14 year old"], "under 18"),
        (
            ["--prompt", "a woman", "--lora", "missing.safetensors:0.5"],
            "missing.safetensors: there is no such",
        ),
        (["--prompt", "a woman <lora:nobody:1>"], "there is no nobody.safetensors"),
        (["--prompt", "a woman", "--sampler", "Eular a"], "Did you mean 'Euler a'?"),
        (["--prompt", "a woman", "--width", "100"], "not a multiple of 8"),
        (["--steps", "3"], "without --prompt"),
        (["--prompt", "a woman", "--out", f"{__file__}/new"], "is a file, not a folder"),
        (["--prompt", "a woman", "--set", "generate.stepz=2"], "--set without a project"),
    ],
    ids=["minor", "no lora", "no tag", "sampler", "width", "no prompt", "place", "set"],
)
def test_wrong_requests_are_one_sentence_and_nothing_is_written(
    base, tmp_path, monkeypatch, capsys, argv, said
):
    monkeypatch.chdir(tmp_path)
    assert run(["generate", "--base", base, "--out", "out", *argv]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_base_that_is_none_is_refused(tmp_path, capsys):
    assert run(["generate", "--base", str(tmp_path / "нет"), "--prompt", "a man"]) == 2
    assert "no such base model" in capsys.readouterr().err


def test_a_project_without_a_lora_says_to_train(tiny_base, tmp_path, capsys):
    folder = make_project(tmp_path / "p", tiny_base)
    for path in (folder / "loras").iterdir():
        path.unlink()
    assert run(["generate", "--project", str(folder)]) == 2
    assert "lorawrap train" in capsys.readouterr().err
