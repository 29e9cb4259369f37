"""`lorawrap lora info`: what a file is, whatever it is; nothing in it reaches the terminal raw."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.export.loras import plain_layers, save, tensors
from tests.lora.spellings.written import loha, named
from wrapper.cli.main import run
from wrapper.lora.file import write_lora

FEW = dict(list(plain_layers("sd15").items())[:12])
TOLD = {
    "ss_base_model_version": "sd_v1",
    "ss_sd_model_name": "/home/anna/base.safetensors",
    "ss_new_sd_model_hash": "ab" * 32,
    "ss_network_module": "networks.lora",
    "ss_network_dim": "2",
    "ss_steps": "1200",
    "ss_max_train_steps": "1500",
    "ss_epoch": "8",
    "ss_num_epochs": "10",
    "ss_unet_lr": "0.0001",
    "ss_text_encoder_lr": "None",
    "ss_optimizer": "torch.optim.adamw.AdamW(weight_decay=0.1)",
    "ss_lr_scheduler": "cosine",
    "ss_lr_warmup_steps": "60",
    "ss_min_snr_gamma": "5.0",
    "ss_noise_offset": "None",
    "ss_seed": "0",
    "ss_training_started_at": "1700000000.0",
    "ss_training_finished_at": "1700005400.0",
    "ss_sd_scripts_commit_hash": "0123456789abcdef0123",
    "ss_dataset_dirs": json.dumps({"10_anna woman": {"n_repeats": 10, "img_count": 7}}),
    "modelspec.trigger_phrase": "a trigger",
    "modelspec.tags": "inpainting",
}


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    path = tmp_path / "my 'ear' ухо 👂.safetensors"
    write_lora(path, tensors(FEW), TOLD)
    return path


def data_of(capsys, *argv: str) -> list[dict[str, Any]]:
    assert run(["lora", "info", "--json", *argv]) == 0
    return json.loads(capsys.readouterr().out)


def test_all_about_a_lora(lora: Path, capsys):
    assert run(["lora", "info", str(lora)]) == 0
    shown = capsys.readouterr().out
    for text in (
        "LoRA for SD 1.5 inpainting, Kohya spelling",
        "12 (12 unet)",
        "a trigger (modelspec.trigger_phrase)",
        "anna woman (a folder of ss_dataset_dirs)",
        "1200 of 1500, epoch 8 of 10",
        "U-Net 0.0001",
        "cosine, warm-up 60 steps",
        "7 in 1 folder",
        "min-SNR 5.0",
        "sd-scripts 0123456789ab",
        "2023-11-14 23:43 UTC, in 1 h 30 min",
        "sshs_model_hash is right",
        "✓ A1111",
        "paths     ss_sd_model_name: /home/anna/base.safetensors",
    ):
        assert text in shown
    assert "noise offset" not in shown
    assert shown.splitlines()[-1].startswith("next: lorawrap lora edit ")


def test_json_has_everything_and_is_plain_ascii(lora: Path, capsys):
    assert run(["lora", "info", str(lora), "--json"]) == 0
    shown = capsys.readouterr().out
    assert shown.isascii()
    (found,) = json.loads(shown)
    assert (found["kind"], found["inpainting"], found["ranks"], found["alphas"]) == (
        "sd15",
        True,
        {"2": 12},
        {"1": 12},
    )
    assert found["hashes"]["stored_is_right"] is True
    assert found["taken_whole"] == dict.fromkeys(("A1111", "Forge", "ComfyUI", "diffusers"), True)
    assert found["norms"]["modules"].keys() == FEW.keys()
    assert found["norms"]["all"] == pytest.approx(
        math.sqrt(sum(one["norm"] ** 2 for one in found["norms"]["modules"].values()))
    )
    assert {(leak["topic"], leak["key"]) for leak in found["leaks"]} == {
        ("paths", "ss_sd_model_name"),
        ("paths", "ss_dataset_dirs"),
    }


def test_quick_reads_no_numbers(lora: Path, capsys):
    (found,) = data_of(capsys, str(lora), "--quick")
    assert found["norms"] is None
    assert found["hashes"] is None
    assert found["alphas"] == {"1": 12}
    assert found["taken_whole"]["A1111"] is True


def test_a_quick_look_needs_no_torch(lora: Path):
    code = (
        "import sys; from wrapper.cli.main import run; code = run(sys.argv[1:]);"
        "sys.exit('torch' in sys.modules or code)"
    )
    subprocess.run([sys.executable, "-c", code, "lora", "info", "--quick", str(lora)], check=True)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "float8_e4m3fn"])
def test_alphas_of_every_type_are_read(dtype: str, tmp_path: Path, capsys):
    made = {**tensors(FEW), f"{next(iter(FEW))}.alpha": torch.tensor(3).to(getattr(torch, dtype))}
    (found,) = data_of(capsys, str(save(tmp_path / "a.safetensors", made, {})), "--quick")
    assert found["alphas"] == {"1": 11, "3": 1}


def test_a_hash_that_lies_is_told(tmp_path: Path, capsys):
    path = save(tmp_path / "a.safetensors", tensors(FEW), {"sshs_model_hash": "0" * 64})
    assert run(["lora", "info", str(path)]) == 0
    assert "NOT the hash of these tensors" in capsys.readouterr().out


def test_broken_and_idle_modules_are_told(tmp_path: Path, capsys):
    made, names = tensors(FEW), list(FEW)
    made[f"{names[0]}.lora_up.weight"][0] = math.inf
    made[f"{names[1]}.lora_down.weight"] = torch.zeros_like(made[f"{names[1]}.lora_down.weight"])
    path = save(tmp_path / "a.safetensors", made, TOLD)
    assert run(["lora", "info", str(path)]) == 0
    shown = capsys.readouterr().out
    assert f"1 of 12 modules hold NaN or infinity ({names[0]})" in shown
    assert f"1 of 12 modules change nothing ({names[1]})" in shown
    assert "draw black pictures" in shown.splitlines()[-1]
    (found,) = data_of(capsys, str(path))
    assert found["norms"]["modules"][names[0]]["norm"] is None


def test_forms_that_are_no_plain_lora_are_named_and_still_measured_where_exact(tmp_path: Path, capsys):
    module = next(iter(plain_layers("sd15")))
    shape = plain_layers("sd15")[module].weight_shape
    path = save(tmp_path / "a.safetensors", named(module, loha(shape)[0]), {})
    (found,) = data_of(capsys, str(path))
    assert found["spelling"] == "LyCORIS LoHa"
    assert found["norms"]["all"] > 0
    odd = {**tensors(FEW), f"{module}.dora_scale": torch.ones(320, 1)}
    assert run(["lora", "info", str(save(tmp_path / "b.safetensors", odd, {}))]) == 0
    assert "is a DoRA" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.diffusion_model.input_blocks.0.0.weight", "is a whole checkpoint, not a LoRA"),
        ("double_blocks.0.img_attn.proj.lora_A.weight", "is a LoRA for FLUX"),
        ("nothing.known", "is no LoRA that is known here"),
    ],
)
def test_other_safetensors_files_are_named(name: str, said: str, tmp_path: Path, capsys):
    path = save(tmp_path / "x.safetensors", {name: torch.ones(2, 2)}, {"ss_v2": "False"})
    assert run(["lora", "info", str(path)]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "is a PNG picture"),
        (b"PK\x03\x04" + b"\0" * 30 + b"archive/data.pkl", "is a pickle"),
        (b"\x80\x02}q\x00.", "is a pickle"),
        (b"<!doctype html><title>404", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"", "too short"),
        (struct.pack("<Q", 10**15) + b"{}", "claims 1000000000000000 bytes"),
        (b"\x02\0\0\0\0\0\0\0{}extra", "5 bytes of data"),
    ],
)
def test_what_is_no_safetensors_file_is_one_sentence_and_exit_code_2(
    content: bytes, said: str, tmp_path: Path, capsys
):
    path = tmp_path / "x\x1b[31m.safetensors"
    path.write_bytes(content)
    assert run(["lora", "info", str(path)]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "\x1b" not in shown.err
    assert "Traceback" not in shown.err


def test_one_bad_file_does_not_hide_the_others(lora: Path, tmp_path: Path, capsys):
    assert run(["lora", "info", str(tmp_path / "none.safetensors"), str(lora), str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert "LoRA for SD 1.5" in shown.out
    assert shown.err.startswith("2 problems:")


def test_what_a_file_says_cannot_steer_the_terminal(tmp_path: Path, capsys):
    evil = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\x9b"
    told = {
        "modelspec.title": evil,
        "ss_training_comment": evil,
        "modelspec.trigger_phrase": evil,
        evil: evil,
    }
    path = save(tmp_path / "x.safetensors", {**tensors(FEW), evil: torch.ones(1)}, told)
    assert run(["lora", "info", str(path), "--all"]) == 0
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(capsys.readouterr().out)


def test_the_trigger_beside_the_file_is_found(lora: Path, capsys):
    lora.with_suffix(".json").write_text(json.dumps({"activation text": "myface"}), encoding="utf-8")
    lora.with_suffix(".civitai.info").write_text("{broken", encoding="utf-8")
    (found,) = data_of(capsys, str(lora))
    assert {"words": "myface", "source": lora.with_suffix(".json").name} in found["triggers"]


def test_a_picture_in_each_format(lora: Path, tmp_path: Path):
    for ending in ("png", "svg", "html"):
        path = tmp_path / "out" / f"n.{ending}"
        assert run(["lora", "info", str(lora), str(lora), "--picture", str(path)]) == 0
    with Image.open(tmp_path / "out" / "n.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
        assert picture.size[1] == 1120
    assert {(0x1F, 0x5F, 0xBF), (0xD9, 0x77, 0x2B), (255, 255, 255)} <= colours
    svg = (tmp_path / "out" / "n.svg").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in svg
    assert svg.count("ухо 👂.safetensors") == 3 + 1  # two panels, and both in the title
    assert svg in (tmp_path / "out" / "n.html").read_text(encoding="utf-8").replace("</svg>\n\n", "</svg>\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--picture", "x.gif"], "is no picture to draw"),
        (["--picture", "x.png", "--quick"], "--quick reads no numbers"),
    ],
)
def test_pictures_that_cannot_be_drawn_are_refused_first(argv: list[str], said: str, lora: Path, capsys):
    assert run(["lora", "info", str(lora), *argv]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_a_picture_that_is_there_stays_without_force(lora: Path, tmp_path: Path):
    path = tmp_path / "n.svg"
    path.write_text("mine", encoding="utf-8")
    assert run(["lora", "info", str(lora), "--picture", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == "mine"
    assert run(["lora", "info", str(lora), "--picture", str(path), "--force"]) == 0


def test_folders_of_the_same_name_are_one_trigger(lora: Path, capsys):
    """sd-scripts tells them apart by a number of its own."""
    folders = {name: {} for name in ("10_anna woman", "10_anna woman (2)", "5_anna woman (12)")}
    write_lora(lora, tensors(FEW), {"ss_dataset_dirs": json.dumps(folders)})
    assert [one["words"] for one in data_of(capsys, str(lora))[0]["triggers"]] == ["anna woman"]
