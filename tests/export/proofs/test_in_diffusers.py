"""diffusers' own loader is the judge of its own target, on a real base and on full-size layers alone."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.export.loras import plain_layers, save, tensors
from tests.export.proofs.test_base import layers_of
from wrapper.base_model.detect import detect
from wrapper.cli.main import run
from wrapper.export.proofs.in_diffusers import pipeline_without_weights, prove_in_diffusers
from wrapper.export.source import read_source
from wrapper.lora.file import Lora, read_lora
from wrapper.lora.spellings.write import under_diffusers_names

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
TinyBase = Callable[..., Path]
WHAT = "diffusers' own loader takes it whole"


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return pipeline_without_weights("sd15")


def some_tensors() -> dict[str, Any]:
    return tensors(
        {n: layer for n, layer in plain_layers("sd15").items() if "_1_self" in n or "_0_attn1" in n}
    )


def written(made: dict[str, Any], folder: Path) -> Path:
    named, metadata = under_diffusers_names(Lora(made, {}), "sd15")
    return save(folder / "x.safetensors", named, metadata)


def test_every_layer_is_compared_and_the_pipeline_is_as_it_was(pipeline: Any, tmp_path: Path):
    made = some_tensors()
    source = read_source(save(tmp_path / "source.safetensors", made)).modules
    before = len(list(pipeline.unet.modules()))
    path = written(made, tmp_path)
    for _ in range(2):
        proof = prove_in_diffusers(path, source, pipeline, "fp32")
        assert (proof.what, proof.passed) == (WHAT, True)
        assert proof.detail.startswith(f"{len(source)} layers, ")
    assert len(list(pipeline.unet.modules())) == before


def test_weights_that_it_would_scale_otherwise_are_found(pipeline: Any, tmp_path: Path):
    made = some_tensors()
    source = read_source(save(tmp_path / "source.safetensors", made)).modules
    first = next(name for name in made if name.endswith("lora_up.weight"))
    made[first] = made[first] * 1.1
    assert not prove_in_diffusers(written(made, tmp_path), source, pipeline, "fp16").passed


def test_a_layer_that_it_leaves_out_is_found(pipeline: Any, tmp_path: Path):
    made = some_tensors()
    source = read_source(save(tmp_path / "source.safetensors", made)).modules
    module = next(iter(source))
    proof = prove_in_diffusers(
        written({n: t for n, t in made.items() if not n.startswith(f"{module}.")}, tmp_path),
        source,
        pipeline,
        "fp16",
    )
    assert (proof.passed, proof.detail) == (False, f"other layers: {module}")


def test_a_shape_that_it_refuses_is_a_proof_that_fails(pipeline: Any, tmp_path: Path):
    made = some_tensors()
    source = read_source(save(tmp_path / "source.safetensors", made)).modules
    path = written(made, tmp_path)
    lora = read_lora(path)
    narrow = {n: t[:, 1:].contiguous() if "lora_A" in n else t for n, t in lora.tensors.items()}
    proof = prove_in_diffusers(save(path, narrow, lora.metadata), source, pipeline, "fp16")
    assert not proof.passed
    assert "it refuses: " in proof.detail


@pytest.mark.parametrize("inpaint", [False, True], ids=["4 channels", "9 channels"])
def test_on_its_base_it_changes_the_picture_and_the_example_script_runs(
    inpaint: bool, tiny_base: TinyBase, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
):
    base = tiny_base("sd15", inpaint=inpaint)
    told = {"ss_v2": "False", "modelspec.tags": "inpainting" if inpaint else ""}
    lora = save(tmp_path / "ear.safetensors", tensors(layers_of(detect(base)), rank=4), told)
    argv = ["export", str(lora), "--to", "diffusers", "--dest", str(tmp_path / "d"), "--base", str(base)]
    assert run([*argv, "--trigger", "an ear"]) == 0
    shown = capsys.readouterr().out
    assert f"✓ {WHAT}" in shown
    assert "✓ changes the picture of its base" in shown
    assert "Not proved" not in shown
    _run_example(tmp_path / "d" / "ear_example.py", base, inpaint, tmp_path, monkeypatch)


def _run_example(script: Path, base: Path, inpaint: bool, folder: Path, monkeypatch: Any) -> None:
    """The script as a user runs it, on small pictures and few steps."""
    Image.new("RGB", (64, 64), (90, 120, 90)).save(folder / "image.png")
    Image.new("L", (64, 64), 255).save(folder / "mask.png")
    small = (
        script.read_text(encoding="utf-8")
        .replace("512", "64")
        .replace("num_inference_steps=40", "num_inference_steps=2")
    )
    script.write_text(small, encoding="utf-8")
    pictures = [str(folder / "image.png"), str(folder / "mask.png")] if inpaint else []
    monkeypatch.setattr(sys, "argv", [str(script), str(base), *pictures])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(folder)
    runpy.run_path(str(script))
    with Image.open(folder / "ear_diffusers.png") as picture:
        assert picture.size == (64, 64)
