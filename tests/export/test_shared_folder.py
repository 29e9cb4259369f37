"""A1111 and ComfyUI over one LoRA folder: the file lies there once, and both know it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.loras import plain_layers, save, tensors
from wrapper.cli.main import run

LAYERS = dict(list(plain_layers("sd15").items())[:3])


@pytest.fixture
def uis(tmp_path: Path) -> Path:
    """``web ui`` and ``ComfyUI``, the second keeping its LoRAs in the first."""
    (tmp_path / "web ui" / "models" / "Lora").mkdir(parents=True)
    (tmp_path / "ComfyUI" / "custom_nodes").mkdir(parents=True)
    text = "a1111:\n  base_path: ../web ui/\n  loras: |\n    models/Lora\n"
    (tmp_path / "ComfyUI" / "extra_model_paths.yaml").write_text(text, encoding="utf-8")
    save(tmp_path / "ear.safetensors", tensors(LAYERS))
    return tmp_path


def export(uis: Path, *targets: str, more: tuple[str, ...] = (), file: str = "ear.safetensors") -> int:
    folders = {"a1111": "web ui", "comfyui": "ComfyUI"}
    argv = ["export", str(uis / file)]
    for target in targets:
        argv += ["--to", target, "--dest", str(uis / folders[target])]
    return run([*argv, *more])


def loras(uis: Path) -> list[str]:
    return sorted(path.relative_to(uis).as_posix() for path in uis.rglob("*/ear.*"))


def test_both_at_once_write_it_once(uis: Path, capsys: pytest.CaptureFixture[str]):
    assert export(uis, "a1111", "comfyui") == 0
    assert loras(uis) == [f"web ui/models/Lora/ear.{end}" for end in ("json", "png", "safetensors")]
    told = capsys.readouterr().out
    assert "ComfyUI reads" in told
    assert "AUTOMATIC1111 maps every key" in told
    assert "ComfyUI maps every key" in told


def test_one_after_the_other_leaves_what_is_there(uis: Path, capsys: pytest.CaptureFixture[str]):
    assert export(uis, "a1111") == 0
    before = {name: (uis / name).read_bytes() for name in loras(uis)}
    assert export(uis, "comfyui") == 0
    assert {name: (uis / name).read_bytes() for name in loras(uis)} == before
    assert "ear.safetensors is there already and stays: it is shared." in capsys.readouterr().out
    assert (uis / "ComfyUI" / "user/default/workflows/ear_txt2img.json").is_file()


def test_another_lora_of_that_name_is_refused_and_forced_away(uis: Path, capsys: pytest.CaptureFixture[str]):
    there = save(uis / "web ui" / "models" / "Lora" / "ear.safetensors", tensors(LAYERS, seed=1))
    other = there.read_bytes()
    assert export(uis, "comfyui") == 2
    assert "is already there, and another LoRA" in capsys.readouterr().err
    assert there.read_bytes() == other
    assert not (uis / "ComfyUI" / "user").exists()
    assert export(uis, "comfyui", more=("--force",)) == 0
    assert there.read_bytes() != other


def test_a_link_to_the_other_programs_folder_is_shared_too(uis: Path):
    (uis / "ComfyUI" / "extra_model_paths.yaml").unlink()
    (uis / "ComfyUI" / "models").mkdir()
    (uis / "ComfyUI" / "models" / "loras").symlink_to(uis / "web ui" / "models" / "Lora")
    assert export(uis, "a1111") == 0
    assert export(uis, "comfyui") == 0
    assert loras(uis / "web ui") == [f"models/Lora/ear.{end}" for end in ("json", "png", "safetensors")]


def test_the_file_itself_is_never_written_over(uis: Path, capsys: pytest.CaptureFixture[str]):
    there = save(uis / "web ui" / "models" / "Lora" / "ear.safetensors", tensors(LAYERS))
    before = there.read_bytes()
    for more in ((), ("--force",)):
        assert export(uis, "comfyui", more=more, file="web ui/models/Lora/ear.safetensors") == 2
        assert "is the file that is to be exported itself" in capsys.readouterr().err
    assert there.read_bytes() == before
