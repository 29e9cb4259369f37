"""A new project: a ``lorawrap.toml`` that says what is known and asks for what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from dataset_tools.building.naming import check_tokens
from dataset_tools.errors import UserError
from dataset_tools.files import write_text
from dataset_tools.manifests.safety import UNDER_18
from dataset_tools.manifests.schema import AGE
from wrapper.places import shipped
from wrapper.project.layout import PROJECT_FILE
from wrapper.project.load import validate

Job = Literal["ear", "face"]
NEEDED = {
    "subject": 'subject = "name"              # whose photographs these are',
    "consent": 'consent = "record 2026-11"    # where their consent is kept; needed to train',
    "age": 'age = "26-30"                 # 15-17, 18-22, 23-25, 26-30, 31-35',
}
"""What every row must have and no photograph can tell."""
JOBS: dict[Job, dict[str, Any]] = {
    "ear": {
        "template": "portrait",
        "masks": "manifest",
        "size": 512,
        "stage_b": True,
        "model": "stable-diffusion-v1-5",
        "inpaint_model": "stable-diffusion-inpainting",
        "rows": {"type": "bust", "view": "front", "ear_side": "both"},
    },
    "face": {
        "template": "portrait",
        "masks": "manifest",
        "size": 1024,
        "stage_b": False,
        "model": "stable-diffusion-xl-base-1.0",
        "inpaint_model": "stable-diffusion-xl-inpainting",
        "rows": {"type": "bust", "view": "front", "ear_side": "both"},
    },
}
"""What the two jobs start with; the rows' values stand where a folder's name says nothing else."""


@dataclass(frozen=True)
class NewProject:
    """What a user says when a project is made. ``rows`` are defaults for the manifest's rows."""

    job: Job
    photos: str
    name: str = "myface"
    trigger: str = "myface"
    class_word: str = "person"
    model: str = ""
    inpaint_model: str = ""
    rows: Mapping[str, str] = field(default_factory=dict)
    preset: str = "default"


def missing_rows(new: NewProject) -> list[str]:
    """The keys in `NEEDED` that the user has still to say; a manifest file may say them row by row."""
    return [key for key in NEEDED if not new.rows.get(key)]


def project_text(new: NewProject) -> str:
    """The new project's ``lorawrap.toml``."""
    from wrapper.toml_text import environment

    start = JOBS[new.job]
    given = {key: value for key, value in new.rows.items() if value}
    template = environment(shipped("templates") / "project").get_template("lorawrap.toml.j2")
    return template.render(
        {
            **start,
            "name": new.name,
            "trigger": new.trigger,
            "class_word": new.class_word,
            "manifest": new.photos,
            "model": new.model or start["model"],
            "inpaint_model": new.inpaint_model or start["inpaint_model"],
            "defaults": {**given, **{key: value for key, value in start["rows"].items() if key not in given}},
            "preset": new.preset,
            "missing": [NEEDED[key] for key in missing_rows(new)],
            "class_prompt": f"photo of a {new.class_word}",
            "prompt": f"photo of a {new.trigger} {new.class_word}, front view",
        }
    )


def create(folder: Path, new: NewProject) -> Path:
    """Write ``folder/lorawrap.toml`` and return it; a project that is there is never overwritten."""
    path = folder / PROJECT_FILE
    if path.exists():
        raise UserError(f"{path}: there is a project here already.", "Edit it, or choose another folder.")
    photos = Path(new.photos).expanduser()
    if not (folder / photos).exists():
        raise UserError(f"{photos}: there is no such folder or manifest.", "Give it with --photos.")
    check(new)
    write_text(path, project_text(new))
    return path


def check(new: NewProject) -> None:
    """Raise `UserError` for what every later command would refuse."""
    validate({"project": {"name": new.name}}, {"project.name": "--name"})
    check_tokens(new.trigger, new.class_word)
    age = new.rows.get("age", "").replace("–", "-")
    known = [known for known in get_args(AGE) if new.job == "ear" or known != UNDER_18]
    if age and age not in known:
        raise UserError(f"--age {age}: is no age bucket of the {new.job} job.", f"Known: {', '.join(known)}.")
