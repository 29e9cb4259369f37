"""``lorawrap generate``: anywhere with --base, in a project, and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.errors import RunFailed
from dataset_tools.pictures.images import read_rgb
from tests.diffusion.small_lora import write_small_lora
from tests.evaluation.projects import make_project
from wrapper.cli.main import run
from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters
from wrapper.diffusion.prompts.library import list_presets

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


def test_a_projects_pictures_that_are_there_are_kept_until_something_of_them_changes(
    tiny_base, tmp_path, monkeypatch
):
    monkeypatch.setattr("wrapper.diffusion.pipelines.sampling.BATCH_PIXELS_CPU", 1)
    folder = make_project(tmp_path / "p", tiny_base)
    argv = ["generate", "--project", str(folder)]
    assert run(argv) == 0
    files = drawn(folder / "images" / "txt2img")
    first = {path.name: path.read_bytes() for path in files}
    missing = files[2]
    missing.unlink()
    for path in files[:2] + files[3:]:
        os.utime(path, (0, 0))
    assert run(argv) == 0
    assert {path.name: path.read_bytes() for path in files} == first
    assert [path for path in files if path.stat().st_mtime] == [missing]
    assert run([*argv, "--set", "generate.steps=3"]) == 0
    assert all(path.stat().st_mtime for path in files)
    for path in files:
        os.utime(path, (0, 0))
    assert run([*argv, "--again"]) == 0
    assert all(path.stat().st_mtime for path in files)
    assert {path.name: path.read_bytes() for path in files} == first


def test_a_prompt_in_a_project_uses_its_base_and_lora(tiny_base, tmp_path):
    folder = make_project(tmp_path / "p", tiny_base)
    assert run(["generate", "--project", str(folder), "--prompt", "a man", "--seed", "1"]) == 0
    told = read_parameters(folder / "images" / "00001-1.png")
    assert told.prompt == "a man <lora:my face_stage_a:1>"
    assert (told.negative, told.fields["Steps"]) == ("waxy", "2")


@pytest.mark.parametrize("command", ["generate", "inpaint", "compare"])
def test_without_a_project_the_hint_names_the_base(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    files = ["--image", "i.png", "--mask", "m.png", "--out", "o.png"] if command == "inpaint" else []
    assert run([command, "--prompt", "x", *files]) == 2
    assert "--base demo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--prompt", "portrait of a 14 year old"], "under 18"),
        (
            ["--prompt", "a woman", "--lora", "missing.safetensors:0.5"],
            "missing.safetensors: there is no such",
        ),
        (["--prompt", "a woman <lora:nobody:1>"], "there is no LoRA 'nobody'"),
        (["--prompt", "a woman", "--sampler", "Eular a"], "Did you mean 'Euler a'?"),
        (["--prompt", "a woman", "--width", "100"], "not a multiple of 8"),
        (["--prompt", "a woman", "--width", "100000"], "A width of 100000 px is more than 16384"),
        (["--prompt", "a woman", "--width", "8192", "--hires", "4"], "A final width of 32768 px"),
        (["--steps", "3"], "without --prompt"),
        (["--prompt", "a woman", "--seed", "1-x"], "--seed 1-x: '1-x' is not a whole number"),
        (["--prompt", "a woman", "--seed", "4294967296"], "4294967296 is not a seed"),
        (["--prompt", "a woman", "--seed", "1,2", "--count", "2"], "--count with several seeds"),
        (["--prompt", "a woman", "--prompt", "Negative prompt: x", "--seed", "1"], "begins with 'Negative"),
        (["--prompt", "a woman", "--hires-steps", "2"], "without --hires"),
        (["--prompt", "a woman", "--prompt", "a child", "--seed", "1"], "a child: prompt refused"),
        (["--prompt", "a woman", "--out", f"{__file__}/new"], "is a file, not a folder"),
        (["--prompt", "a woman", "--set", "generate.stepz=2"], "--set without a project"),
        (["--prompt", "a woman", "--lora", __file__], "is not a whole .safetensors file"),
        (["--prompt", "a woman", "--cfg", "nan"], "A CFG of nan is not between 0 and 50"),
        (["--prompt", "a woman", "--seed", "1-9999"], "there can be 1 to 1000 at a time"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
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


def test_several_prompts_and_seeds_go_on_where_they_stopped(base, tmp_path, capsys):
    argv = ["generate", "--base", base, "--prompt", "a woman", "--prompt", "a man, ухо", "--seed", "3,7-8"]
    argv += ["--steps", "2", "--out", str(tmp_path / "o")]
    assert run(argv) == 0
    names = ["00001-3", "00002-7", "00003-8", "00004-3", "00005-7", "00006-8"]
    assert [path.stem for path in drawn(tmp_path / "o")] == names
    assert (tmp_path / "o" / "sheet.jpg").is_file()
    before = {path: path.read_bytes() for path in drawn(tmp_path / "o")}
    gone, kept = tmp_path / "o" / "00005-7.png", tmp_path / "o" / "00001-3.png"
    gone.unlink()
    stamp = kept.stat().st_mtime_ns
    capsys.readouterr()
    assert run([*argv, "--dry-run"]) == 0
    assert "1 of 6 pictures to draw, about 0:0" in capsys.readouterr().out
    assert run(argv) == 0
    assert "5 with equal parameters there already" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in drawn(tmp_path / "o")} == before
    assert kept.stat().st_mtime_ns == stamp


def test_other_parameters_are_other_pictures_behind_those_that_are_there(base, tmp_path):
    argv = ["generate", "--base", base, "--prompt", "a woman", "--seed", "3", "--out", str(tmp_path)]
    assert run([*argv, "--steps", "2"]) == 0
    assert run([*argv, "--steps", "3"]) == 0
    assert run([*argv, "--steps", "2", "--again"]) == 0
    assert [path.name for path in drawn(tmp_path)] == ["00001-3.png", "00002-3.png", "00003-3.png"]
    assert [read_parameters(path).fields["Steps"] for path in drawn(tmp_path)] == ["2", "3", "2"]
    first, _, again = map(read_rgb, drawn(tmp_path))
    assert np.array_equal(first, again)


def test_pictures_that_were_done_are_kept_when_one_cannot_be_drawn(base, tmp_path, capsys, monkeypatch):
    from wrapper.diffusion.txt2img import shot

    def fails_once(pipeline, prompts, *rest):
        if prompts[0].seed == 2:
            raise RunFailed("The memory of 'cpu' is not enough.")
        return original(pipeline, prompts, *rest)

    original = shot.run_batch
    monkeypatch.setattr(shot, "run_batch", fails_once)
    argv = ["generate", "--base", base, "--prompt", "a woman", "--seed", "1-3", "--steps", "2"]
    assert run([*argv, "--out", str(tmp_path)]) == 1
    assert [path.name for path in drawn(tmp_path)] == ["00001-1.png", "00003-3.png"]
    assert "1 of 3 pictures could not be drawn" in capsys.readouterr().err
    monkeypatch.setattr(shot, "run_batch", original)
    assert run([*argv, "--out", str(tmp_path)]) == 0
    assert [path.name for path in drawn(tmp_path)] == ["00001-1.png", "00002-2.png", "00003-3.png"]


def test_a_batch_is_the_same_as_its_pictures_alone(base, tmp_path):
    argv = ["generate", "--base", base, "--prompt", "a woman", "--steps", "2"]
    assert run([*argv, "--seed", "4", "--count", "3", "--out", str(tmp_path / "three")]) == 0
    assert run([*argv, "--seed", "6", "--out", str(tmp_path / "one")]) == 0
    assert np.array_equal(read_rgb(drawn(tmp_path / "three")[2]), read_rgb(drawn(tmp_path / "one")[0]))


def test_loras_may_differ_from_prompt_to_prompt(base, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_small_lora(Path("loras/a.safetensors"), strength=3.0)
    write_small_lora(Path("loras/b.safetensors"), seed=1, strength=3.0)
    prompts = ["a man <lora:a:1>", "a man", "a man <lora:a:0.5> <lora:b:1>", "a man <lora:b:0.7>"]
    argv = ["generate", "--base", base, "--seed", "4", "--steps", "2"]
    assert run([*argv, *(word for text in prompts for word in ("--prompt", text)), "--out", "all"]) == 0
    for number, prompt in enumerate(prompts):
        assert run([*argv, "--prompt", prompt, "--out", f"{number}"]) == 0
        alone, one = read_rgb(drawn(Path(f"{number}"))[0]), read_rgb(drawn(Path("all"))[number])
        assert np.array_equal(alone, one)


@pytest.mark.parametrize("end", ["webp", "jpg"])
def test_formats(base, tmp_path, end):
    argv = ["generate", "--base", base, "--prompt", "a woman", "--seed", "4", "--steps", "2"]
    assert run([*argv, "--format", end, "--out", str(tmp_path)]) == 0
    assert read_parameters(tmp_path / f"00001-4.{end}").prompt == "a woman"


def test_a_users_file_of_the_sheets_name_is_left_alone(base, tmp_path):
    (tmp_path / "sheet.jpg").write_bytes(b"mine")
    argv = ["generate", "--base", base, "--prompt", "a woman", "--seed", "4,5", "--steps", "2"]
    assert run([*argv, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "sheet.jpg").read_bytes() == b"mine"


def test_a_hires_pass_is_told_and_larger(base, tmp_path):
    argv = [
        "generate",
        "--base",
        base,
        "--prompt",
        "a woman",
        "--seed",
        "4",
        "--steps",
        "2",
        "--hires",
        "1.5",
    ]
    assert run([*argv, "--hires-strength", "0.5", "--out", str(tmp_path)]) == 0
    assert read_rgb(drawn(tmp_path)[0]).shape == (96, 96, 3)
    told = read_parameters(drawn(tmp_path)[0]).fields
    assert (told["Size"], told["Hires upscale"], told["Denoising strength"]) == ("64x64", "1.5", "0.5")


def test_a_files_prompts_bring_their_own_settings(base, tmp_path):
    lines = ["# mine", "a woman --n waxy --w 48 --h 64 --d 5 --s 3 --l 2.5", "a man, ухо"]
    (tmp_path / "my prompts.txt").write_text("\n".join(lines), encoding="utf-8")
    argv = ["generate", "--base", base, "--prompts", str(tmp_path / "my prompts.txt"), "--steps", "2"]
    assert run([*argv, "--seed", "1", "--negative", "n", "--out", str(tmp_path / "o")]) == 0
    one, two = (read_parameters(path) for path in drawn(tmp_path / "o"))
    assert (one.prompt, one.negative, one.fields["Size"]) == ("a woman", "waxy", "48x64")
    assert [one.fields[name] for name in ("Seed", "Steps", "CFG scale")] == ["5", "3", "2.5"]
    assert (two.prompt, two.negative) == ("a man, ухо", "n")
    assert [two.fields[name] for name in ("Seed", "Steps", "Size")] == ["1", "2", "64x64"]


def test_a_preset_gives_way_to_the_command_line(base, tmp_path):
    name = next(name for name, preset in list_presets().items() if preset.task == "txt2img")
    argv = ["generate", "--base", base, "--preset", name, "--seed", "1", "--steps", "2"]
    assert run([*argv, "--out", str(tmp_path)]) == 0
    told = read_parameters(drawn(tmp_path)[0])
    assert told.negative
    assert (told.fields["Steps"], told.fields["Sampler"]) == ("2", "Euler a")
