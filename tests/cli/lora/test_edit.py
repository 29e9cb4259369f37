"""`lorawrap lora edit`: other metadata, the same tensors, right hashes, nothing that breaks a loader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.main import run
from wrapper.lora.file import read_lora, write_lora
from wrapper.lora.hashes import legacy_hash, model_hash
from wrapper.safetensors_header import read_header

FEW = dict(list(plain_layers("sd15").items())[:4])
TOLD = {
    "ss_output_name": "ear",
    "ss_base_model_version": "sd_v1",
    "ss_tag_frequency": json.dumps({"10_anna woman": {"anna smiling": 3}}),
    "ss_dataset_dirs": json.dumps({"10_anna woman": {"n_repeats": 10, "img_count": 7}}),
    "ss_sd_model_name": "/home/anna/base.safetensors",
}


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    path = tmp_path / "my 'ear' ухо 👂.safetensors"
    write_lora(path, tensors(FEW), TOLD)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "new.safetensors"


def data(path: Path) -> bytes:
    return path.read_bytes()[read_header(path).data_start :]


def test_tensors_are_the_same_and_the_words_are_new(lora: Path, out: Path, capsys):
    before = lora.read_bytes()
    assert (
        run(["lora", "edit", str(lora), "--out", str(out), "--trigger", "an ear", "--set", "mine=1=2"]) == 0
    )
    assert lora.read_bytes() == before
    assert data(out) == data(lora)
    assert read_header(out).tensors == read_header(lora).tensors
    told = read_header(out).metadata
    assert (told["modelspec.trigger_phrase"], told["mine"]) == ("an ear", "1=2")
    assert told["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert {key: told[key] for key in TOLD} == TOLD
    assert told["sshs_model_hash"] == read_header(lora).metadata["sshs_model_hash"] == model_hash(out)
    shown = capsys.readouterr().out
    assert "+ mine: 1=2" in shown
    assert shown.splitlines()[-1] == f"next: lorawrap lora info {out}"


def test_captions_and_paths_are_gone_from_every_byte_of_the_file(lora: Path, out: Path, capsys):
    assert run(["lora", "edit", str(lora), "--out", str(out), "--strip", "captions, paths"]) == 0
    assert b"anna" not in out.read_bytes()
    assert json.loads(read_header(out).metadata["ss_dataset_dirs"]) == {
        "folder 1": {"n_repeats": 10, "img_count": 7}
    }
    assert read_header(out).metadata["ss_sd_model_name"] == "base.safetensors"
    assert "ss_dataset_dirs: without 10_anna woman" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size", "long"),
    [
        pytest.param(1000, 10, id="a small file"),
        pytest.param(300_000, 10, id="hashed bytes are tensors"),
        pytest.param(300_000, 1_020_000, id="hashed bytes are header and tensors"),
        pytest.param(1000, 2_000_000, id="hashed bytes are header"),
    ],
)
def test_both_hashes_are_those_that_a_trainer_would_write(size: int, long: int, tmp_path: Path):
    """The legacy hash is of the file with its ``ss_`` metadata alone, as the writer of LoRAs works it out."""
    big = {"lora_unet_x.lora_down.weight": torch.randn(4, size)}
    big |= {"lora_unet_x.lora_up.weight": torch.randn(8, 4), "lora_unet_x.alpha": torch.tensor(2.0)}
    told = {**TOLD, "ss_long": "x" * long}
    write_lora(tmp_path / "a.safetensors", big, {**told, "ss_training_comment": "a long one " * 100})
    write_lora(tmp_path / "right.safetensors", big, {**told, "modelspec.title": "x"})
    argv = ["lora", "edit", str(tmp_path / "a.safetensors"), "--strip", "notes", "--set", "modelspec.title=x"]
    assert run([*argv, "--out", str(tmp_path / "b.safetensors")]) == 0
    right, made = (read_header(tmp_path / f"{name}.safetensors").metadata for name in ("right", "b"))
    assert {key: made[key] for key in right} == right


def test_a_dry_run_shows_what_would_go_and_writes_nothing(lora: Path, tmp_path: Path, capsys):
    before = sorted(tmp_path.rglob("*"))
    assert run(["lora", "edit", str(lora), "--strip", "all", "--dry-run"]) == 0
    assert sorted(tmp_path.rglob("*")) == before
    shown = capsys.readouterr().out
    assert "- ss_tag_frequency" in shown
    assert "next: the same command without --dry-run" in shown


def test_a_thumbnail_is_small_and_carries_nothing_of_its_file(lora: Path, out: Path, tmp_path: Path):
    import base64

    exif = Image.Exif()
    exif[0x010E] = "anna at home"
    Image.new("RGB", (900, 600), "teal").save(tmp_path / "pic.jpg", exif=exif)
    argv = ["lora", "edit", str(lora), "--out", str(out), "--thumbnail", str(tmp_path / "pic.jpg")]
    assert run(argv) == 0
    url = read_header(out).metadata["modelspec.thumbnail"]
    picture = base64.b64decode(url.partition(",")[2])
    (tmp_path / "thumb.jpg").write_bytes(picture)
    with Image.open(tmp_path / "thumb.jpg") as image:
        assert image.size == (256, 171)
    assert b"anna" not in picture


def test_sdxl_without_its_version_gets_it_lest_a1111_take_it_for_sd1(out: Path, tmp_path: Path):
    few = dict(list(plain_layers("sdxl").items())[-4:])
    path = save(tmp_path / "xl.safetensors", tensors(few), {"format": "pt"})
    assert run(["lora", "edit", str(path), "--out", str(out), "--set", "a=b"]) == 0
    assert read_header(out).metadata["ss_base_model_version"] == "sdxl_base_v1-0"


def test_files_that_are_no_lora_keep_their_tensors_too(out: Path, tmp_path: Path):
    path = save(
        tmp_path / "vae.safetensors", {"encoder.conv_in.weight": torch.randn(3, 3)}, {"prompt": "anna"}
    )
    assert run(["lora", "edit", str(path), "--out", str(out), "--strip", "captions"]) == 0
    assert data(out) == data(path)
    assert b"anna" not in out.read_bytes()


def test_a_file_with_nothing_to_strip_is_written_all_the_same(lora: Path, out: Path, capsys):
    assert run(["lora", "edit", str(lora), "--out", str(out), "--strip", "pictures"]) == 0
    assert "nothing of the kind" in capsys.readouterr().out
    assert out.read_bytes() == lora.read_bytes()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "Nothing is to be changed"),
        (["--set", "novalue"], "--set novalue: has no value"),
        (["--strip", "caption"], "Did you mean 'captions'?"),
        (["--remove", "ss_output_nam"], "Did you mean 'ss_output_name'?"),
        (["--remove", "sshs_model_hash"], "worked out from the tensors"),
        (["--set", "ss_v2=True"], "SD 2"),
        (["--set", "ss_base_model_version=sdxl_x"], "sd_v1"),
        (["--set", "ss_output_name=a:b"], "without < > : = ,"),
        (["--set", "mine=1", "--remove", "mine"], "is to be set and removed"),
        (["--title", "\x1b[2J"], "no text"),
        (["--thumbnail", "none.png"], "none.png"),
    ],
)
def test_wrong_wishes_are_refused_and_nothing_is_written(argv, said: str, lora: Path, out: Path, capsys):
    assert run(["lora", "edit", str(lora), "--out", str(out), *argv]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "\x1b" not in shown.err
    assert not out.exists()


def test_every_wrong_wish_is_told_at_once(lora: Path, out: Path, capsys):
    argv = ["--set", "ss_v2=True", "--set", "format=x", "--remove", "nope"]
    assert run(["lora", "edit", str(lora), "--out", str(out), *argv]) == 2
    assert capsys.readouterr().err.startswith("3 problems:")


def test_what_is_there_is_not_written_over(lora: Path, out: Path, capsys):
    argv = ["lora", "edit", str(lora), "--title", "x", "--out"]
    assert run([*argv, str(lora), "--force"]) == 2
    assert "is the file that is read" in capsys.readouterr().err
    assert run([*argv, str(out)]) == 0
    assert run([*argv, str(out)]) == 2
    assert run([*argv, str(out), "--force"]) == 0
    assert run(["lora", "edit", str(lora), "--title", "x"]) == 2


def test_what_a_file_says_cannot_steer_the_terminal(tmp_path: Path, capsys):
    path = save(
        tmp_path / "evil.safetensors",
        tensors(FEW),
        {"ss_training_comment": "\x1b[2J\u202egnp.exe", "a\x1bb": "c\x9b"},
    )
    assert run(["lora", "edit", str(path), "--strip", "all", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)
    assert "\\x1b[2J\\u202egnp.exe" in shown


def test_the_result_is_a_whole_lora_with_the_same_numbers(lora: Path, out: Path):
    assert run(["lora", "edit", str(lora), "--out", str(out), "--strip", "all"]) == 0
    one, other = read_lora(lora).tensors, read_lora(out).tensors
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert legacy_hash(out) != ""


def test_progress_ends_where_it_said(lora: Path, out: Path, monkeypatch, capsys):
    monkeypatch.setattr("wrapper.lora_tools.editing._SHOW_PROGRESS", 0)
    assert run(["lora", "edit", str(lora), "--out", str(out), "--trigger", "an ear"]) == 0
    assert "MiB: 2/2, done" in capsys.readouterr().err
