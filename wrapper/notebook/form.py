"""The form of the training notebook: what it asks, and the ``lorawrap.toml`` that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from dataset_tools.data_text import from_toml
from dataset_tools.manifests.safety import UNDER_18
from wrapper.project.init import Job, NewProject, check, project_text
from wrapper.project.load import SHIPPED_BASE, validate
from wrapper.project.settings_text import with_values

DEMO = SHIPPED_BASE
JOBS: Mapping[str, Job] = {"a face (SDXL)": "face", "an ear, Stages A and B (SD 1.5)": "ear"}
PRESETS = {"this machine's own": "", "8 GB": "8gb", "12 GB": "12gb", "16 GB": "16gb", "24 GB": "24gb"}
CLASS_IMAGES = {"drawn by the base model": "generate", "from a folder": "folder", "none": "none"}
CONSENT_BY = {"the subject": "subject", "a guardian": "guardian"}
MEASURE = ("every checkpoint", "a few checkpoints, quickly", "nothing: train on every photograph")
PROGRAMS = {"A1111 and ComfyUI": ["a1111", "comfyui"], "A1111 or Forge": ["a1111"], "ComfyUI": ["comfyui"]}
SIDES = {"sd15": 512, "sdxl": 1024, DEMO: 64}
"""Pixels that each kind of base was made for."""
_FIELDS = {"crop.size": "side_px"}
"""What the form calls a setting that can be out of its range."""
_DEMO_VALUES: Mapping[str, Any] = {
    "qc.preset": "tiny",
    "crop.context": 20.0,
    "generate.cfg": 2.0,
    "generate.steps": 16,
    "inpaint.cfg": 1.5,
    "inpaint.steps": 16,
    "inpaint.work_size": 64,
    "inpaint.mask_blur_px": 1,
    "inpaint.padding_px": 64,
}
"""What the tiny base that comes with the program likes."""


@dataclass(frozen=True)
class Form:
    """The fields, as the form shows them; 0 and an empty text leave a setting to the preset."""

    job: str
    project_name: str
    base_model: str
    inpaint_base: str = ""
    photographs: str = ""
    subject: str = ""
    consent: str = ""
    consent_by: str = "the subject"
    age: str = "26-30"
    trigger: str = "myface"
    class_word: str = ""
    graphics_card: str = "this machine's own"
    steps: int = 0
    inpaint_steps: int = 0
    rank: int = 0
    learning_rate: float = 0.0
    side_px: int = 0
    mirror: bool = False
    relit_copies: int = 0
    class_images: str = "drawn by the base model"
    class_image_count: int = 20
    class_image_folder: str = ""
    measure: str = "every checkpoint"
    programs: str = "A1111 and ComfyUI"

    @property
    def is_medical(self) -> bool:
        """Under 18 an ear is repaired, and nothing else is done."""
        return self.age == UNDER_18


@dataclass(frozen=True)
class Found:
    """What the form's words came to here: paths or `DEMO`, the base's kind, a preset, a trainer."""

    photographs: Path
    base: str
    inpaint_base: str
    kind: str
    preset: str
    engine: str = "auto"
    class_folder: str = ""


def read_form(fields: Mapping[str, Any]) -> Form:
    """The form out of a notebook's names, among which are many others; an emptied field is None."""
    known = {field.name for field in dataclass_fields(Form)}
    said = {name: value for name, value in fields.items() if name in known and value is not None}
    return Form(**{name: value.strip() if isinstance(value, str) else value for name, value in said.items()})


def settings(form: Form, found: Found) -> str:
    """The form as a ``lorawrap.toml``. Raises `UserError` for what cannot be."""
    consent = {"id": form.consent, "by": CONSENT_BY[form.consent_by]}
    said = {"subject": form.subject, "consent": consent, "age": form.age}
    new = NewProject(
        job=JOBS[form.job],
        photos=found.photographs.as_posix(),
        name=form.project_name,
        trigger=form.trigger,
        class_word=form.class_word,
        model=found.base,
        inpaint_model=found.inpaint_base or found.base,
        rows=said if form.photographs != DEMO else {},  # type: ignore[arg-type]
        preset="demo" if found.base == DEMO else found.preset,
    )
    check(new)
    text = with_values(project_text(new), _values(form, found))
    validate(from_toml(text), _FIELDS)
    return text


def _values(form: Form, found: Found) -> dict[str, Any]:
    side = form.side_px or SIDES[found.kind]
    values: dict[str, Any] = {
        "project.engine": found.engine,
        "crop.size": side,
        "dataset.mirror": form.mirror,
        "dataset.relight": form.relit_copies,
        "export.targets": PROGRAMS[form.programs],
        "generate.width": side,
        "generate.height": side,
        **_class_images(form, found),
        **_measured(form),
        **_training(form),
    }
    if found.base == DEMO:
        values |= _DEMO_VALUES
    if form.photographs == DEMO:
        values |= {"captions.template": "prompt", "dataset.holdout": "manifest"}
    if form.is_medical:
        values |= {"stage_a.enabled": False, "generate.prompts": [], "regularisation.source": "none"}
    return values


def _class_images(form: Form, found: Found) -> dict[str, Any]:
    source = CLASS_IMAGES[form.class_images]
    values = {"regularisation.source": source, "regularisation.count": form.class_image_count}
    if source != "folder":
        return values
    folder = found.class_folder or str(found.photographs.parent / "class_photos")
    return {**values, "regularisation.folder": folder}


def _measured(form: Form) -> dict[str, Any]:
    if form.measure == MEASURE[1]:
        return {"evaluate.seeds": [1], "evaluate.images": 4, "evaluate.max_checkpoints": 3}
    return {"dataset.holdout": "none"} if form.measure == MEASURE[2] else {}


def _training(form: Form) -> dict[str, Any]:
    given = {
        "stage_a.kohya.max_train_steps": form.steps,
        "stage_b.kohya.max_train_steps": form.inpaint_steps,
    }
    for stage in ("stage_a", "stage_b"):
        given[f"{stage}.kohya.network_dim"] = form.rank
        given[f"{stage}.kohya.network_alpha"] = form.rank / 2
        given[f"{stage}.kohya.learning_rate"] = float(form.learning_rate)
    return {key: value for key, value in given.items() if value}
