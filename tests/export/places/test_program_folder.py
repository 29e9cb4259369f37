"""``--dest`` is a program's folder or its LoRA folder; what was plainly not meant is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_tools.errors import UserError
from wrapper.export.places.program_folder import Place, find_place


def webui(folder: Path) -> Path:
    (folder / "models" / "Lora").mkdir(parents=True)
    (folder / "webui.py").touch()
    return folder


def comfyui(folder: Path) -> Path:
    (folder / "models" / "loras").mkdir(parents=True)
    (folder / "custom_nodes").mkdir()
    return folder


def test_a_programs_own_folder(tmp_path: Path):
    for target in ("a1111", "forge"):
        root = webui(tmp_path / target)
        assert find_place(target, root) == Place(target, root, root / "models" / "Lora")
    root = comfyui(tmp_path / "ComfyUI")
    assert find_place("comfyui", root, "people\\faces").folder == root / "models/loras/people/faces"
    assert find_place("folder", tmp_path / "new").folder == tmp_path / "new"


@pytest.mark.parametrize("inner", ["models/Lora", "models/lora", "Models/Lora", "models/Lora/people"])
def test_the_lora_folder_itself(inner: str, tmp_path: Path):
    dest = tmp_path / inner
    dest.mkdir(parents=True)
    place = find_place("a1111", dest, "faces")
    assert (place.root, place.folder) == (tmp_path, dest / "faces")


def test_the_lora_folder_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(webui(tmp_path) / "models")
    assert find_place("a1111", Path("Lora")).folder == tmp_path / "models" / "Lora"


@pytest.mark.parametrize("target", ["a1111", "forge", "comfyui"])
def test_a_folder_that_is_new_empty_or_of_something_else_says_so(target: str, tmp_path: Path):
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "letter.txt").write_text("mine")
    notes = [find_place(target, tmp_path / name).notes for name in ("new", "else")]
    assert "is a new folder" in notes[0][0]
    assert "is no folder of" in notes[1][0]


@pytest.mark.parametrize(
    ("target", "dest", "said", "hint"),
    [
        ("a1111", "stable-diffusion-webu", "there is no such folder", "stable-diffusion-webui'?"),
        ("a1111", "stable-diffusion-webu/models/Lora", "there is no such folder", "stable-diffusion-webui'?"),
        ("forge", "ComfyUI", "is the folder of ComfyUI, not of Forge", "--to comfyui"),
        ("comfyui", "stable-diffusion-webui", "is the folder of AUTOMATIC1111, not of ComfyUI", "--to a1111"),
        ("a1111", ".", "is not AUTOMATIC1111's folder itself", "stable-diffusion-webui: give that"),
        ("comfyui", "portable", "is not ComfyUI's folder itself", "portable/ComfyUI: give that"),
        ("folder", "letter.txt", "is not a folder", "--dest"),
    ],
)
def test_what_was_plainly_not_meant_is_refused(target: str, dest: str, said: str, hint: str, tmp_path: Path):
    webui(tmp_path / "stable-diffusion-webui")
    comfyui(tmp_path / "ComfyUI")
    comfyui(tmp_path / "portable" / "ComfyUI")
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(UserError, match=said) as caught:
        find_place(target, tmp_path / dest)
    assert hint in caught.value.hint


def test_what_only_an_export_made_stands_in_nobodys_way(tmp_path: Path):
    (tmp_path / "out1" / "models" / "Lora").mkdir(parents=True)
    assert find_place("a1111", tmp_path / "out2").root == tmp_path / "out2"
    assert find_place("comfyui", tmp_path / "out1").folder == tmp_path / "out1" / "models" / "loras"
    assert find_place("a1111", tmp_path / "out1").notes == ()
    assert find_place("a1111", tmp_path).root == tmp_path


@pytest.mark.parametrize("subfolder", ["../up", "/etc", "a/../../b", "a:b", "people/.hidden", "con"])
def test_subfolders_that_lead_elsewhere_or_do_not_work_are_refused(subfolder: str, tmp_path: Path):
    with pytest.raises(UserError, match=r"subfolder|does not work"):
        find_place("a1111", webui(tmp_path), subfolder)


@pytest.mark.parametrize(("make", "wanted"), [(True, "webui/models/Lora"), (False, "ComfyUI/models/loras")])
def test_loras_go_where_extra_model_paths_keeps_them_when_that_is_there(
    make: bool, wanted: str, tmp_path: Path
):
    root = comfyui(tmp_path / "ComfyUI")
    if make:
        webui(tmp_path / "webui")
    (root / "extra_model_paths.yaml").write_text("a:\n  base_path: ../webui\n  loras: models/Lora\n")
    place = find_place("comfyui", root)
    assert place.folder == tmp_path / wanted
    assert any("extra_model_paths.yaml [a]" in note for note in place.notes)


def test_the_folder_that_is_given_stands_over_extra_model_paths(tmp_path: Path):
    root = comfyui(tmp_path / "ComfyUI")
    (root / "extra_model_paths.yaml").write_text("a:\n  is_default: true\n  loras: ../\n")
    assert find_place("comfyui", root).folder == tmp_path
    assert find_place("comfyui", root / "models" / "loras").folder == root / "models" / "loras"
