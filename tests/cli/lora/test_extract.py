"""`lorawrap lora extract`: what is typed, what is shown, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.single_files import make_single_file
from wrapper.cli.main import run
from wrapper.lora.file import read_lora

CHANGED = "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight"
NORM = "model.diffusion_model.middle_block.1.norm.weight"
LAYER = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"


@pytest.fixture
def models(tiny_base, tmp_path: Path) -> tuple[str, str]:
    base = make_single_file(tiny_base("sd15"), tmp_path / "основа 'b'.safetensors")
    tensors = load_file(base)
    tensors[CHANGED] += torch.randn(64, 64) * 0.1
    tensors[NORM] += 1
    save_file(tensors, tmp_path / "tuned 🙂.safetensors")
    return str(tmp_path / "tuned 🙂.safetensors"), str(base)


def extract(*words: object) -> int:
    return run(["lora", "extract", *map(str, words)])


def test_the_difference_becomes_a_lora(models, tmp_path: Path, capsys):
    out = tmp_path / "out" / "diff.safetensors"
    assert extract(*models, "--rank", 8, "--out", out) == 0
    assert list(read_lora(out).modules()) == [LAYER]
    shown = capsys.readouterr().out
    assert "mid            1          8  " in shown
    assert f"1 tensor differs that this LoRA does not carry, such as {NORM}" in shown


def test_a_dry_run_writes_nothing(models, tmp_path: Path, capsys):
    before = sorted(tmp_path.iterdir())
    assert extract(*models, "--rank", 8, "--out", tmp_path / "o.safetensors", "--dry-run") == 0
    assert sorted(tmp_path.iterdir()) == before
    assert "at most: 210 modules, rank 8, about" in capsys.readouterr().out


def test_equal_models_and_other_mistakes_are_told(models, tmp_path: Path, capsys):
    out = tmp_path / "o.safetensors"
    assert extract(models[1], models[1], "--rank", 8, "--out", out) == 2
    assert "no layer that a LoRA can change differs" in capsys.readouterr().err
    assert extract(*models, "--out", out) == 2
    assert "Give --rank" in capsys.readouterr().err
    assert extract(*models, "--rank", 8, "--out", models[0], "--force") == 2
    assert "is the file that is read" in capsys.readouterr().err
    assert extract(models[0], tmp_path / "none", "--rank", 8, "--out", out) == 2
    assert "there is no such model" in capsys.readouterr().err
    assert not out.exists()
