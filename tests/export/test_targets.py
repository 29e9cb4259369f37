"""Each target gets what it loads, from any spelling; a damaged file is named and nothing is delivered."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.export.damaged import FAULTS, damaged
from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.main import run
from wrapper.export.source import read_source
from wrapper.lora.deltas import delta_error
from wrapper.lora.file import Lora, read_lora
from wrapper.lora.spellings.write import under_diffusers_names
from wrapper.lora.verify import verify_lora
from wrapper.safetensors_header import read_header

SIDE_CARS = {"a1111": (".json", ".png"), "forge": (".json", ".png"), "folder": (".json", ".png")}
FOLDERS = {"a1111": "models/Lora/", "forge": "models/Lora/", "comfyui": "models/loras/"}


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def some_layers(kind: str) -> dict[str, Any]:
    """A few layers of every component."""
    layers = plain_layers(kind)
    return {name: layer for name, layer in layers.items() if "_0_attn2_" in name or "layers_1_" in name}


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """One LoRA in Kohya's spelling and in PEFT's: kind and both files."""
    folder = tmp_path_factory.mktemp("made by others")
    kohya = save(folder / "ear.safetensors", tensors(some_layers(request.param), alpha=1.5))
    lora = read_lora(kohya)
    named, metadata = under_diffusers_names(Lora(lora.tensors, {}), request.param)
    return request.param, kohya, save(folder / "peft" / "ear.safetensors", named, metadata)


@pytest.mark.parametrize("target", ["a1111", "forge", "folder"])
@pytest.mark.parametrize("foreign", [False, True], ids=["Kohya", "PEFT"])
def test_every_ui_gets_a_whole_kohya_file_from_any_spelling(
    target: str, foreign: bool, made: tuple[str, Path, Path], tmp_path: Path
):
    kind, kohya, peft = made
    dest = tmp_path / "to «here»"
    assert run(["export", str(peft if foreign else kohya), "--to", target, "--dest", str(dest)]) == 0
    base = FOLDERS.get(target, "") + "ear"
    assert files(dest) == sorted(f"{base}{end}" for end in (".safetensors", *SIDE_CARS[target]))
    assert verify_lora(dest / f"{base}.safetensors", kind) == []  # type: ignore[arg-type]
    source, out = read_source(kohya).modules, read_lora(dest / f"{base}.safetensors").modules()
    assert max(delta_error(source[name], out[name]) for name in source) < 1e-3
    assert set(out) == set(source)


def test_diffusers_gets_peft_names_and_its_own_loader_proves_them(
    made: tuple[str, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    kind, kohya, _ = made
    argv = ["export", str(kohya), "--to", "diffusers", "--dest", str(tmp_path / "d"), "--name", "it's «ухо»"]
    assert run([*argv, "--trigger", 'a "b" \\ {{ c }}']) == 0
    names = list(read_header(tmp_path / "d" / "it's «ухо».safetensors").tensors)
    assert all(".lora_A.weight" in name or ".lora_B.weight" in name for name in names)
    told = capsys.readouterr().out
    count = len(some_layers(kind))
    assert f"diffusers' own loader takes it whole       {count} layers, largest relative difference" in told
    assert f"{2 * count} of {2 * count} keys, {count} layers" in told
    script = (tmp_path / "d" / "it's «ухо»_example.py").read_text(encoding="utf-8")
    constants = {node.value for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Constant)}
    assert {'a "b" \\ {{ c }}', "it's «ухо».safetensors"} <= constants


def test_comfyui_gets_workflows_for_every_use_that_call_it_by_its_path(
    made: tuple[str, Path, Path], tmp_path: Path
):
    kind, kohya, _ = made
    assert (
        run(
            [
                "export",
                str(kohya),
                "--to",
                "comfyui",
                "--dest",
                str(tmp_path / "c"),
                "--subfolder",
                "people/faces",
            ]
        )
        == 0
    )
    lora = str(Path("people/faces/ear.safetensors"))
    assert (tmp_path / "c" / "models" / "loras" / lora).is_file()
    for name in ("txt2img", "inpaint", "inpaint_plain"):
        text = (tmp_path / "c" / "user/default/workflows_api" / f"ear_{name}.json").read_text("utf-8")
        graph = json.loads(text)
        assert [n["inputs"]["lora_name"] for n in graph.values() if n["class_type"] == "LoraLoader"] == [lora]
    size = {"sd15": 512, "sdxl": 1024}[kind]
    txt2img = json.loads((tmp_path / "c" / "user/default/workflows_api/ear_txt2img.json").read_text("utf-8"))
    assert txt2img["5"]["inputs"] == {"width": size, "height": size, "batch_size": 1}
    with Image.open(tmp_path / "c" / "input" / "ear_to_inpaint.png") as image:
        assert image.mode == "RGBA"
        assert image.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize("precision", ["fp16", "bf16", "fp32"])
def test_precision_is_what_was_asked_for(precision: str, made: tuple[str, Path, Path], tmp_path: Path):
    _, kohya, _ = made
    for target in ("folder", "diffusers"):
        argv = ["export", str(kohya), "--to", target, "--dest", str(tmp_path / target)]
        assert run([*argv, "--precision", precision]) == 0
        specs = read_header(tmp_path / target / "ear.safetensors").tensors.values()
        assert {spec.dtype for spec in specs} == {{"fp16": "F16", "bf16": "BF16", "fp32": "F32"}[precision]}


@pytest.mark.parametrize("part", ["mlp_fc2", "self_attn_q_proj"])
def test_diffusers_takes_a_text_encoder_that_is_there_in_part(
    part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    layers = {
        name: layer for name, layer in plain_layers("sdxl").items() if name.endswith(f"layers_1_{part}")
    }
    lora = save(tmp_path / "ear.safetensors", tensors(layers))
    argv = ["export", str(lora), "--to", "diffusers", "--to", "a1111", "--dest", str(tmp_path / "out")]
    assert run(argv) == 0
    told = capsys.readouterr().out
    assert "diffusers' own loader takes it whole       2 layers" in told
    assert "idle modules were added" in told


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_lora_is_named_and_nothing_is_delivered(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = damaged(fault, tmp_path / "from outside")
    before = path.read_bytes()
    assert run(["export", str(path), "--to", "a1111", "--dest", str(tmp_path / "ui")]) in (1, 2)
    said = capsys.readouterr().err
    assert FAULTS[fault][1] in said
    assert str(path) in said
    assert [one.name for one in tmp_path.iterdir()] == ["from outside"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("keep", [0, 7, 100, -1], ids=["empty", "no length", "cut header", "cut data"])
def test_a_file_that_is_not_whole_is_named(keep: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = save(tmp_path / "x.safetensors", tensors(some_layers("sd15")))
    path.write_bytes(path.read_bytes()[:keep])
    assert run(["export", str(path), "--to", "folder", "--dest", str(tmp_path / "ui")]) == 2
    assert "x.safetensors: is not a whole .safetensors file" in capsys.readouterr().err
    assert files(tmp_path) == ["x.safetensors"]
