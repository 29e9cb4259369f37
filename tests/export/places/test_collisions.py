"""Other LoRAs that a program would take for this one are found before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import Problems
from tests.export.loras import save
from wrapper.export.places.collisions import alias_notes, find_collisions
from wrapper.export.places.program_folder import find_place


@pytest.fixture
def webui(tmp_path: Path) -> Path:
    root = tmp_path / "web ui"
    (root / "models" / "Lora" / "people").mkdir(parents=True)
    return root


def found(name: str, target: str, root: Path, *, force: bool = False, sources: tuple[Path, ...] = ()) -> str:
    place = find_place(target, root)  # type: ignore[arg-type]
    wanted = [place.folder / f"{name}{end}" for end in (".safetensors", ".json", ".png")]
    problems = Problems()
    find_collisions(name, [place], wanted, sources, force, problems)
    return "\n".join(str(problem) for problem in problems.found)


@pytest.mark.parametrize(
    "other", ["models/Lora/people/ear.safetensors", "models/Lora/old/EAR.pt", "models/LyCORIS/ear.ckpt"]
)
@pytest.mark.parametrize("target", ["a1111", "forge"])
def test_the_same_base_name_anywhere_is_refused_also_with_force(target: str, other: str, webui: Path):
    path = webui / other
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    assert "would not know which 'ear' is meant" in found("ear", target, webui, force=True)
    assert found("ears", target, webui) == ""


def test_a_name_with_brackets_is_no_pattern(webui: Path):
    (webui / "models" / "Lora" / "people" / "ear 1.safetensors").write_bytes(b"")
    assert found("ear [1]", "a1111", webui) == ""
    (webui / "models" / "Lora" / "people" / "ear [1].safetensors").write_bytes(b"")
    assert "has the same name" in found("ear [1]", "a1111", webui)


def test_comfyui_tells_subfolders_apart_but_not_its_lora_folders(tmp_path: Path):
    root, other = tmp_path / "ComfyUI", tmp_path / "more"
    (root / "models" / "loras" / "old").mkdir(parents=True)
    (root / "models" / "loras" / "old" / "ear.safetensors").write_bytes(b"")
    assert found("ear", "comfyui", root) == ""
    other.mkdir()
    (root / "models" / "loras" / "ear.safetensors").write_bytes(b"")
    (root / "extra_model_paths.yaml").write_text("a:\n  loras: ../more\n")
    assert "ComfyUI would not know which 'ear' is meant" in found("ear", "comfyui", root)


def test_what_is_there_needs_force_and_a_folder_or_ones_own_file_cannot_be_written_over(webui: Path):
    folder = webui / "models" / "Lora"
    (folder / "ear.png").mkdir()
    (folder / "ear.json").symlink_to(webui / "gone")
    source = save(folder / "ear.safetensors", {})
    told = found("ear", "a1111", webui, sources=(source,)).splitlines()
    assert told[0].startswith(f"{source}: is the file that is to be exported itself.")
    assert told[1].endswith("ear.json: is already there.")
    assert "ear.png: is a folder." in told[2]
    assert len(found("ear", "a1111", webui, force=True, sources=(source,)).splitlines()) == 2


def test_a_file_where_a_folder_should_be(tmp_path: Path):
    (tmp_path / "models").write_text("no folder")
    assert "is a file, not a folder" in found("ear", "a1111", tmp_path)


def test_another_lora_that_calls_itself_so_is_named_by_its_header_alone(webui: Path):
    folder = webui / "models" / "Lora"
    save(folder / "last.safetensors", {}, {"ss_output_name": 'моё "ухо"'})
    save(folder / "other.safetensors", {}, {"ss_output_name": "моё"})
    (folder / "broken.safetensors").write_bytes(b"\xff" * 9)
    (folder / "empty.safetensors").write_bytes(b"")
    notes = alias_notes('моё "ухо"', [find_place("a1111", webui)], [])
    assert len(notes) == 1
    assert "last.safetensors calls itself" in notes[0]
    assert "that one is <lora:last:1>" in notes[0]
