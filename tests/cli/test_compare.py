"""``lorawrap compare``: anywhere with --base, in a project, into a photograph, and what it refuses."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.pictures.images import read_rgb, save_png
from tests.diffusion.small_lora import write_small_lora
from tests.evaluation.projects import make_project
from wrapper.cli.main import run
from wrapper.diffusion.pictures.picture import read_digital_source, read_parameters

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = ["--steps", "2", "--cfg", "3"]


@pytest.fixture
def base(tiny_base):
    return str(tiny_base("sd15"))


@pytest.fixture
def lora(tmp_path):
    return str(write_small_lora(tmp_path / "моё ухо.safetensors", strength=2.0))


def cells(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "pictures").iterdir())


def alike(path: Path) -> dict[str, str]:
    """Parameters, but for a hash that counts in the seed of drawn masks, of which a comparison has one."""
    fields = dict(read_parameters(path).fields)
    assert fields.pop("Repair hash")
    return fields


def test_before_and_after_are_what_generate_draws(base, lora, tmp_path, capsys):
    argv = ["--base", base, "--prompt", "a woman", "--negative", "waxy", *QUICK]
    out = tmp_path / "my 'pairs' 🙂"
    assert (
        run(["compare", *argv, "--lora", f"{lora}:0.8", "--seed", "3", "--seed", "5,6", "--out", str(out)])
        == 0
    )
    said = capsys.readouterr().out
    assert "6 pictures to draw, 1 LoRA swap, 12 steps" in said
    assert said.splitlines()[-1] == f"next: open {shlex.quote(str(out / 'compare.html'))}"
    assert cells(out) == sorted(
        f"seed-{seed}_{name}" for seed in (3, 5, 6) for name in ("base-alone", "моё-ухо-weight-0.8")
    )
    for name, extra in {"base-alone": [], "моё-ухо-weight-0.8": ["--lora", f"{lora}:0.8"]}.items():
        single = tmp_path / name
        assert run(["generate", *argv, *extra, "--seed", "5", "--out", str(single)]) == 0
        (drawn,) = single.glob("*-5.png")
        cell = out / "pictures" / f"seed-5_{name}.png"
        assert np.array_equal(read_rgb(cell), read_rgb(drawn))
        assert read_parameters(cell) == read_parameters(drawn)
    assert {"compare.html", "grid.png", "pictures"} == {path.name for path in out.iterdir()}


def test_a_dry_run_says_what_would_be_drawn_and_draws_nothing(base, lora, tmp_path, capsys):
    argv = ["compare", "--base", base, "--prompt", "a woman", "--lora", lora, *QUICK]
    grid = ["--x", "weight=0.7-1.0 (+0.1)", "--y", "seed=1-3", "--out", str(tmp_path / "out")]
    assert run([*argv, *grid, "--dry-run"]) == 0
    assert "12 pictures to draw, 1 LoRA swap, 3 new weights, 24 steps" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_the_same_command_draws_nothing_anew(base, lora, tmp_path, capsys):
    argv = ["compare", "--base", base, "--prompt", "a woman", "--lora", lora, "--seed", "1", *QUICK]
    assert run([*argv, "--out", str(tmp_path / "out")]) == 0
    assert run([*argv, "--out", str(tmp_path / "out")]) == 0
    assert "0 pictures to draw, 2 there already" in capsys.readouterr().out


def test_a_project_shows_its_lora_its_weights_and_its_checkpoints(tiny_base, tmp_path, capsys):
    folder = make_project(tmp_path / "my project", tiny_base)
    for epoch in (1, 2):
        name = f"my face_stage_a-00000{epoch}.safetensors"
        write_small_lora(folder / "runs" / "stage_a-001" / "output" / name, seed=epoch)
    assert run(["compare", "--project", str(folder)]) == 0
    out = folder / "images" / "compare"
    assert {path.name for path in out.glob("*.png")} == {"grid.png", "grid-2.png", "grid-3.png"}
    told = [read_parameters(out / name).fields for name in ("grid.png", "grid-2.png", "grid-3.png")]
    assert [fields["X Values"] for fields in told] == [
        "base alone, my face_stage_a, weight 1",
        "weight 0.7, weight 0.8, weight 0.9, weight 1",
        "epoch 1, epoch 2",
    ]
    # 2 prompts × 2 seeds × 2, then 2 prompts × (4 weights, of which weight 1 is there, + 2 epochs)
    assert len(cells(out)) == 8 + 2 * (3 + 2)
    assert "18 pictures to draw, 3 LoRA swaps, 3 new weights, 36 steps" in capsys.readouterr().out
    assert read_parameters(next((out / "pictures").iterdir())).negative == "waxy"


def test_axes_in_a_project_have_a_folder_of_their_own_and_know_its_runs(tiny_base, tmp_path):
    folder = make_project(tmp_path / "p", tiny_base)
    name = "my face_stage_b-000001.safetensors"
    write_small_lora(folder / "runs" / "stage_b-001" / "output" / name)
    argv = ["--prompt", "a man", "--x", "checkpoint=none,stage_b-001,my face_stage_a", "--seed", "1"]
    assert run(["compare", "--project", str(folder), *argv]) == 0
    assert cells(folder / "images" / "compare_checkpoint") == [
        "base-alone",
        "my-face_stage_a",
        "my-face_stage_b-epoch-1",
    ]


def test_inpainting_is_compared_as_inpaint_paints(base, lora, tmp_path):
    random = np.random.default_rng(0)
    image, mask = tmp_path / "фото.png", tmp_path / "mask.png"
    save_png(image, random.integers(0, 256, (96, 80, 3)).astype(np.uint8))
    painted = np.zeros((96, 80), np.uint8)
    painted[30:50, 20:44] = 255
    save_png(mask, painted)
    argv = ["--base", base, "--image", str(image), "--mask", str(mask), "--prompt", "an ear", *QUICK]
    argv += ["--lora", lora, "--mask-blur", "3"]
    out = tmp_path / "grid"
    axes = ["--x", "strength=0.5,1", "--y", "seed=1,2", "--out", str(out)]
    assert run(["compare", *argv, *axes]) == 0
    single = tmp_path / "single.png"
    assert run(["inpaint", *argv, "--strength", "0.5", "--seed", "2", "--out", str(single)]) == 0
    cell = out / "pictures" / "seed-2_strength-0.5.png"
    assert np.array_equal(read_rgb(cell), read_rgb(single))
    assert alike(cell) == alike(single)
    assert read_digital_source(out / "grid.png") == "compositeWithTrainedAlgorithmicMedia"
    assert np.array_equal(read_rgb(cell)[:20], read_rgb(image)[:20])
    assert len(cells(out)) == 4


def test_a_cell_that_overflows_is_a_failed_run_and_the_page_shows_the_others(base, lora, tmp_path, capsys):
    argv = ["compare", "--base", base, "--prompt", "a woman", "--lora", lora, "--seed", "1", *QUICK]
    out = tmp_path / "out"
    assert run([*argv, "--x", f"lora=none,{lora}:1e38", "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert "1 of 2 pictures could not be drawn" in said
    assert "not made of numbers" in said
    assert cells(out) == ["base-alone"]
    assert "not made of numbers" in (out / "compare.html").read_text(encoding="utf-8")


def test_an_sdxl_lora_on_sd15_is_named_before_anything_is_drawn(base, lora, tmp_path, capsys):
    from safetensors.torch import load_file, save_file

    wrong = tmp_path / "sdxl.safetensors"
    old, new = "lora_unet_down_blocks_0_attentions_0", "lora_unet_input_blocks_4_1"
    tensors = {
        name.replace(old, new).replace("lora_te_", "lora_te1_"): t for name, t in load_file(lora).items()
    }
    save_file(tensors, wrong)
    argv = ["compare", "--base", base, "--prompt", "x", "--x", f"lora=none,{lora},{wrong}"]
    assert run([*argv, "--out", str(tmp_path / "out")]) == 2
    assert "sdxl.safetensors: is a LoRA for SDXL, the base model is SD 1.5" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "nothing to compare"),
        (["--x", "wieght=1"], "Did you mean 'weight'?"),
        (["--x", "cfg=1", "--y", "CFG Scale=2"], "--x and --y are both 'cfg'"),
        (["--x", "cfg="], "no values"),
        (["--x", "cfg=1,,2"], "a value is empty"),
        (["--x", "weight=1"], "no LoRA whose weight"),
        (["--x", "cfg=1", "--cfg", "3"], "--cfg and the axis 'cfg'"),
        (["--x", "seed=1", "--seed", "3"], "--seed and the axis 'seed'"),
        (["--x", "prompt=a cat"], "--prompt and the axis 'prompt'"),
        (["--x", "strength=0.5"], "'strength' is for inpainting"),
        (["--x", "checkpoint=nowhere*"], "no LoRA file or run 'nowhere*'"),
        (["--x", "lora=missing.safetensors"], "missing.safetensors: there is no such LoRA file"),
        (["--x", "prompt-sr=woman,14 year old girl"], "under 18"),
        (["--x", "steps=2", "--width", "100"], "not a multiple of 8"),
        (["--x", "steps=2", "--padding", "3"], "--padding without --image"),
        (["--x", "steps=2", "--image", "photo.png"], "belong together"),
        (["--x", "steps=2", "--image", "no.png", "--mask", "no2.png"], "no.png: there is no such file"),
        (["--x", "steps=2", "--out", f"{__file__}/new"], "is a file, not a folder"),
        (["--x", "steps=2", "--seed", "one"], "'one' is not a whole number"),
        (["--x", "steps=2", "--set", "generate.steps=2"], "--set without a project"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, list) else "",
)
def test_wrong_requests_are_one_sentence_and_nothing_is_written(
    base, tmp_path, monkeypatch, capsys, argv, said
):
    monkeypatch.chdir(tmp_path)
    assert run(["compare", "--base", base, "--prompt", "a woman", "--out", "out", *argv]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_controls_and_a_hires_pass_are_those_of_generate(tiny_base, base, lora, tmp_path):
    from tests.condition_models import make_control_net

    net = make_control_net(tiny_base("sd15"), tmp_path / "net")
    save_png(tmp_path / "depth.png", np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8))
    argv = [
        "--base",
        base,
        "--prompt",
        "a woman",
        "--seed",
        "5",
        "--hires",
        "1.5",
        "--hires-steps",
        "2",
        *QUICK,
    ]
    argv += ["--control", f"depth={tmp_path / 'depth.png'}:0.8", "--control-model", f"depth={net}"]
    out, single = tmp_path / "grid", tmp_path / "single"
    assert run(["compare", *argv, "--x", f"lora=none,{lora}:0.8", "--out", str(out)]) == 0
    assert run(["generate", *argv, "--lora", f"{lora}:0.8", "--out", str(single)]) == 0
    cell, (drawn,) = out / "pictures" / "моё-ухо-weight-0.8.png", tuple(single.glob("*-5.png"))
    assert read_rgb(cell).shape == (96, 96, 3)
    assert np.array_equal(read_rgb(cell), read_rgb(drawn))
    assert read_parameters(cell) == read_parameters(drawn)
