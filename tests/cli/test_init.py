"""init writes a project that loads, says what is still missing, and overwrites nothing."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from dataset_tools.errors import UserError
from wrapper.cli.main import run
from wrapper.project.load import load_project

CONSENT = ["--subject", "Анна", "--consent", "paper 2026-11", "--age", "26-30"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "Мои 'фото' 👂 \\ \"ears\""
    folder.mkdir()
    return folder


@pytest.mark.parametrize(("job", "size", "stage_b"), [("ear", 512, True), ("face", 1024, False)])
def test_a_new_project_loads_and_knows_its_photographs(
    tmp_path: Path, photos: Path, job: str, size: int, stage_b: bool
):
    assert run(["init", str(tmp_path / "new"), "--photos", str(photos), "--job", job, *CONSENT]) == 0
    project = load_project(tmp_path / "new")
    assert Path(project.settings.manifest.path) == photos
    assert project.settings.manifest.defaults["subject"] == "Анна"
    assert project.settings.crop.size == size
    assert project.settings.stage_b.enabled is stage_b


@pytest.mark.parametrize(
    ("gib", "preset"),
    [(None, "cpu"), (7.6, "8gb"), (11.8, "12gb"), (15.7, "16gb"), (23.6, "24gb"), (79.1, "24gb")],
)
def test_the_preset_is_this_machines(
    tmp_path: Path, photos: Path, monkeypatch, gib: float | None, preset: str
):
    import torch

    card = SimpleNamespace(total_memory=int((gib or 0) * 2**30))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gib is not None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    assert run(["init", str(tmp_path), "--photos", str(photos), *CONSENT]) == 0
    settings = load_project(tmp_path).settings
    assert (settings.stage_a.preset, settings.stage_b.preset) == (preset, preset)


def test_what_no_photograph_can_tell_is_asked_for(tmp_path: Path, photos: Path, capsys):
    assert run(["init", str(tmp_path), "--photos", str(photos)]) == 0
    text = (tmp_path / "lorawrap.toml").read_text(encoding="utf-8")
    assert '# consent = "record' in text
    assert "consent" not in load_project(tmp_path).settings.manifest.defaults
    assert "fill in subject, consent, age" in capsys.readouterr().out


def test_a_project_is_never_overwritten(tmp_path: Path, photos: Path, capsys):
    (tmp_path / "lorawrap.toml").write_text("mine")
    assert run(["init", str(tmp_path), "--photos", str(photos)]) == 2
    assert (tmp_path / "lorawrap.toml").read_text() == "mine"
    assert "there is a project here already" in capsys.readouterr().err


def test_photographs_that_are_not_there_leave_nothing_behind(tmp_path: Path, capsys):
    assert run(["init", str(tmp_path / "new"), "--photos", str(tmp_path / "nowhere")]) == 2
    assert not (tmp_path / "new").exists()
    assert "there is no such folder or manifest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--name", "a/b"], "--name [project.name]"),
        (["--name", "a\nb"], "--name [project.name]"),
        (["--age", "12"], "--age 12: is no age bucket of the face job"),
        (["--age", "15-17"], "--age 15-17: is no age bucket of the face job"),
        (["--trigger", "a/b"], "captions.trigger: 'a/b' cannot stand in a folder's name"),
    ],
)
def test_what_later_commands_would_refuse_makes_no_project(tmp_path: Path, photos: Path, capsys, extra, said):
    assert run(["init", str(tmp_path / "new"), "--photos", str(photos), *extra]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("captioned", "source", "said"),
    [
        (["a", "b", "sub/c"], "files", "captions beside the photographs are used, all 3"),
        (["a", "sub/c"], "template", "2 of 3 photographs have a caption beside them, which is not used"),
        ([], "template", "wrote "),
    ],
    ids=["all", "some", "none"],
)
def test_captions_beside_the_photographs_are_read_or_told(
    tmp_path: Path, photos: Path, capsys, captioned: list[str], source: str, said: str
):
    (photos / "sub").mkdir()
    for name in ("a.jpg", "b.HEIC", "sub/c.png", "a_mask.png"):
        (photos / name).write_bytes(b"")
    for name in captioned:
        (photos / f"{name}.txt").write_text("anna, smiling", encoding="utf-8")
    assert run(["init", str(tmp_path / "new"), "--photos", str(photos), *CONSENT]) == 0
    assert load_project(tmp_path / "new").settings.captions.source == source
    assert said in capsys.readouterr().out


def test_a_base_model_that_was_typed_is_found_from_where_it_was_typed(
    tmp_path: Path, photos: Path, capsys, monkeypatch
):
    (tmp_path / "мой sdxl.safetensors").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    argv = ["init", "new", "--photos", str(photos), *CONSENT, "--base", "мой sdxl.safetensors"]
    assert run([*argv, "--inpaint-base", "demo"]) == 0
    base = load_project(tmp_path / "new").settings.base
    assert (Path(base.model), base.inpaint_model) == (tmp_path / "мой sdxl.safetensors", "demo")
    assert "There is no" not in capsys.readouterr().err
    argv[1], argv[-1] = "other", "gone.safetensors"
    assert run(argv) == 0
    assert f"There is no {tmp_path / 'other' / 'gone.safetensors'} yet" in capsys.readouterr().err


def test_the_ear_of_a_minor_is_a_medical_case_and_the_next_command_can_be_pasted(
    tmp_path: Path, photos: Path, capsys
):
    folder = tmp_path / "it's мой"
    argv = ["init", str(folder), "--photos", str(photos), "--job", "ear", "--age", "15–17"]
    assert run(argv) == 0
    assert shlex.quote(str(folder)) in capsys.readouterr().out


def test_the_shipped_demo_project_is_valid(tmp_path: Path):
    from wrapper.places import shipped

    source = shipped("templates") / "project" / "demo.toml"
    (tmp_path / "lorawrap.toml").write_bytes(source.read_bytes())
    assert load_project(tmp_path).settings.project.name == "myface"


def test_a_bad_override_names_the_key(tmp_path: Path):
    (tmp_path / "lorawrap.toml").write_text("")
    with pytest.raises(UserError, match=r"--set \[crop\.sise\]"):
        load_project(tmp_path, ["crop.sise=3"])


def test_a_face_keeps_a_checkpoint_of_every_epoch(tmp_path: Path, photos: Path):
    argv = ["init", str(tmp_path), "--photos", str(photos), "--job", "face", "--preset", "12gb", *CONSENT]
    assert run(argv) == 0
    settings = load_project(tmp_path).settings
    assert (settings.captions.trigger, settings.captions.class_word) == ("myface", "woman")
    assert settings.regularisation.prompt == "photo of a woman"
    assert settings.stage_a.kohya == {"save_every_n_epochs": 1}
    assert settings.balance.epoch_images == 100
    assert settings.stage_a.preset == "12gb"


def test_a_preset_that_needs_sd_scripts_says_so_at_once(tmp_path: Path, photos: Path, capsys):
    assert run(["init", str(tmp_path), "--photos", str(photos), "--preset", "8gb", *CONSENT]) == 0
    assert "needs sd-scripts: only sd-scripts keeps the base in 8 bits" in capsys.readouterr().err
