"""The form of the training notebook as a project file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import UserError
from wrapper.notebook.form import DEMO, Form, Found, read_form, settings
from wrapper.notebook.form_check import check_form
from wrapper.notebook.machine import Card
from wrapper.notebook.stop import Stop
from wrapper.notebook.training import Training
from wrapper.project.load import load_project

FACE = {"job": "a face (SDXL)", "project_name": "anna", "base_model": "x.safetensors"}
WHO = {"subject": "Anna", "consent": "signed 2026-11-02"}
EAR = {**FACE, **WHO, "job": "an ear, Stages A and B (SD 1.5)"}


def project(tmp_path: Path, found: dict[str, Any] | None = None, **fields: Any) -> Any:
    (tmp_path / "lorawrap.toml").write_text(settings(Form(**fields), _found(**found or {})), encoding="utf-8")
    return load_project(tmp_path).settings


def _found(**said: Any) -> Found:
    standard = {"photographs": Path("/photos"), "base": "/x.safetensors", "inpaint_base": ""}
    return Found(**{**standard, "kind": "sdxl", "preset": "16gb", **said})


def test_a_face_on_sdxl(tmp_path: Path):
    made = project(
        tmp_path, **FACE, **WHO, steps=900, rank=16, learning_rate=2e-4, mirror=True, relit_copies=3
    )
    assert (made.project.name, made.base.model, made.crop.size) == ("anna", "/x.safetensors", 1024)
    assert made.stage_a.kohya == {
        "save_every_n_epochs": 1, "max_train_steps": 900, "network_dim": 16, "network_alpha": 8.0,
        "learning_rate": 2e-4,
    }  # fmt: skip
    assert (made.dataset.mirror, made.dataset.relight, made.stage_b.enabled) == (True, 3, False)
    assert made.manifest.defaults["consent"] == {"id": "signed 2026-11-02", "by": "subject"}
    assert (made.regularisation.source, made.regularisation.count) == ("generate", 20)


def test_zeros_leave_the_preset_alone(tmp_path: Path):
    made = project(tmp_path, {"kind": "sd15"}, **EAR)
    assert (made.stage_a.preset, made.stage_a.kohya, made.stage_b.kohya) == ("16gb", {}, {})
    assert (made.crop.size, made.stage_b.enabled, made.generate.width) == (512, True, 512)


def test_under_18_only_the_ear_is_repaired(tmp_path: Path):
    made = project(tmp_path, {"kind": "sd15"}, **EAR, age="15-17", consent_by="a guardian")
    assert not made.stage_a.enabled
    assert made.generate.prompts == []
    assert made.manifest.defaults["consent"]["by"] == "guardian"
    with pytest.raises(UserError, match="no age bucket of the face job"):
        project(tmp_path, **FACE, **WHO, age="15-17")


def test_nothing_measured_holds_nothing_out(tmp_path: Path):
    made = project(tmp_path, **FACE, **WHO, measure="nothing: train on every photograph")
    assert made.dataset.holdout == "none"


def test_the_form_is_read_out_of_many_names():
    form = read_form({**FACE, **WHO, "subject": " Anna ", "training": object(), "root": Path()})
    assert (form.subject, form.steps) == ("Anna", 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Fill in subject, consent."),
        ({**WHO, "consent": "  "}, "Fill in consent."),
        ({"photographs": DEMO}, "demo drawings teach the demo's base only"),
        ({**WHO, "job": "an ear, Stages A and B (SD 1.5)"}, "Fill in inpaint_base."),
        ({**WHO, "class_images": "from a folder"}, "Fill in class_image_folder."),
    ],
)
def test_what_is_missing_is_named_at_once(fields: dict[str, str], message: str):
    with pytest.raises(Stop, match=message):
        check_form(Form(**{**FACE, **fields}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"job": "a face"}, "job: 'a face' is none of a face (SDXL), an ear, Stages A and B (SD 1.5)."),
        ({"graphics_card": "10 GB"}, "graphics_card: '10 GB' is none of "),
        ({"consent_by": "guardian"}, "consent_by: 'guardian' is none of the subject, a guardian."),
        ({"steps": "many"}, "steps: 'many' is no whole number of 0 or more."),
        ({"steps": -5}, "steps: -5 is no whole number of 0 or more."),
        ({"learning_rate": "1e-4"}, "learning_rate: '1e-4' is no number of 0 or more."),
        ({"mirror": "no"}, "mirror: 'no' is neither True nor False."),
        ({"trigger": 5}, "trigger: 5 is no text between quotes."),
        ({"age": "15-17"}, "age: under 18 there is no face LoRA, only the repair of an ear."),
        ({**EAR, "inpaint_base": "y", "age": "15-17"}, "consent_by: under 18 the consent is the guardian's."),
        ({"project_name": "a/b"}, "'a/b' cannot be in the name of a file or in a prompt."),
        ({"project_name": ".."}, "'..' cannot be in the name of a file or in a prompt."),
        ({"job": "x", "measure": "y"}, "2 problems:"),
    ],
)
def test_what_cannot_be_is_a_sentence(fields: dict[str, Any], message: str):
    with pytest.raises(Stop) as caught:
        check_form(Form(**{**FACE, **WHO, **fields}))
    assert message in caught.value.message


def test_an_emptied_number_is_as_it_was_at_first():
    form = read_form({**FACE, **WHO, "steps": None, "class_image_count": None})
    assert (form.steps, form.class_image_count) == (0, 20)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"project_name": "a/b", "photographs": DEMO}, "project_name"),
        ({"side_px": 100}, "side_px .crop.size.: .* multiple of 64"),
        ({"photographs": "notes.txt"}, "photographs: .*notes.txt is neither a folder nor a manifest"),
        ({"class_images": "from a folder", "class_image_folder": "/no"}, "class_image_folder: there is no"),
    ],
)
def test_a_form_that_cannot_be_writes_nothing(tmp_path: Path, fields: dict[str, Any], message: str):
    (tmp_path / "shots").mkdir()
    (tmp_path / "notes.txt").touch()
    training = Training(tmp_path / "Loras", "embedded")
    with pytest.raises(Stop, match=message):
        training.set_up({**FACE, **WHO, "base_model": DEMO, "photographs": "shots", **fields})
    assert list((tmp_path / "Loras").iterdir()) == []


def test_paths_are_looked_for_beside_the_projects_too(tmp_path: Path):
    photographs, others = tmp_path / "Bilder 1", tmp_path / "Loras" / "others"
    photographs.mkdir()
    others.mkdir(parents=True)
    training = Training(tmp_path / "Loras", "embedded")
    given = {
        "photographs": f'"{photographs}"',
        "class_images": "from a folder",
        "class_image_folder": "others",
    }
    training.set_up({**FACE, **WHO, "base_model": DEMO, **given})
    made = load_project(training.places.job.root).settings
    assert (made.manifest.path, made.regularisation.folder) == (photographs.as_posix(), str(others))


def test_a_file_edited_by_hand_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    training = Training(tmp_path / "My Drive", "embedded")
    fields = {**FACE, **WHO, "base_model": DEMO, "graphics_card": "8 GB"}
    training.set_up(fields)
    file = training.places.job.file
    training.set_up({**fields, "steps": 77})
    assert "max_train_steps = 77" in file.read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace("77", "78"), encoding="utf-8")
    training.set_up({**fields, "steps": 79})
    assert "max_train_steps = 78" in file.read_text(encoding="utf-8")
    assert "was edited by hand" in capsys.readouterr().out


def test_a_project_keeps_the_preset_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fields = {**FACE, **WHO, "base_model": DEMO}
    presets = []
    for memory_gib, asked in ((14.7, {}), (22.5, {}), (22.5, {"graphics_card": "24 GB"}), (14.7, {})):
        monkeypatch.setattr("wrapper.notebook.training.card", lambda size=memory_gib: Card("a card", size))
        training = Training(tmp_path, "embedded")
        training.set_up({**fields, **asked})
        presets.append(json.loads(training.places.form.read_text(encoding="utf-8"))["preset"])
    assert presets == ["16gb", "16gb", "24gb", "16gb"]


def test_nothing_is_sent_to_where_the_project_does_not_look(tmp_path: Path):
    (tmp_path / "others").mkdir()
    training = Training(tmp_path, "embedded")
    training.set_up({**FACE, **WHO, "base_model": DEMO, "photographs": "others"})
    with pytest.raises(Stop, match="The project is about"):
        training.photographs(ask=True)


def test_a_base_that_is_not_there_is_a_sentence(tmp_path: Path):
    with pytest.raises(Stop, match=r"there is no 'nowhere\.safetensors'"):
        Training(tmp_path, "embedded").set_up({**FACE, **WHO, "base_model": "nowhere.safetensors"})
