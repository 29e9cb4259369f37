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
from wrapper.project.layout import PROJECT_FILE
from wrapper.project.load import validate

Job = Literal["ear", "face"]
NEEDED = {
    "subject": 'subject = "name"              # whose photographs these are',
    "consent": 'consent = "record 2026-11"    # where their consent is kept; needed to train',
    "age": 'age = "26-30"                 # 15-17, 18-22, 23-25, 26-30, 31-35',
}
"""What every row must have and no photograph can tell."""
ROWS = {"type": "bust", "view": "front", "ear_side": "both"}
"""What stands for a row where a folder's name says nothing else."""
COMMON: dict[str, Any] = {
    "seed": 7,
    "masks": "manifest",
    "captions": "template",
    "template": "portrait",
    "by": ["view"],
    "shares": {},
    "max_repeats": 20,
    "epoch_images": 0,
    "holdout": "image",
    "stage_a": True,
    "kohya_a": {},
    "kohya_b": {},
}
JOBS: dict[Job, dict[str, Any]] = {
    "ear": {
        **COMMON,
        "class_word": "person",
        "size": 512,
        "stage_b": True,
        "model": "stable-diffusion-v1-5",
        "inpaint_model": "stable-diffusion-inpainting",
    },
    "face": {
        **COMMON,
        "class_word": "woman",
        "size": 1024,
        "stage_b": False,
        "model": "stable-diffusion-xl-base-1.0",
        "inpaint_model": "stable-diffusion-xl-inpainting",
        "max_repeats": 50,
        "epoch_images": 100,
        "kohya_a": {"save_every_n_epochs": 1},
    },
}
"""What the two jobs start with. A face has 5 to 10 photographs: repeats give its epochs a useful length, and
a checkpoint is kept of each."""


@dataclass(frozen=True)
class NewProject:
    """What a user says when a project is made. ``rows`` are defaults for the manifest's rows.

    ``settings`` are laid over what the job starts with.
    """

    job: Job
    photos: str
    name: str = "myface"
    trigger: str = "myface"
    class_word: str = ""
    model: str = ""
    inpaint_model: str = ""
    rows: Mapping[str, str] = field(default_factory=dict)
    preset: str = "default"
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said_class(self) -> str:
        """The class word, or the job's own."""
        return self.class_word or str(JOBS[self.job]["class_word"])


def missing_rows(new: NewProject) -> list[str]:
    """The keys in `NEEDED` that the user has still to say; a manifest file may say them row by row."""
    return [key for key in NEEDED if not new.rows.get(key)]


def project_text(new: NewProject) -> str:
    """The new project's ``lorawrap.toml``."""
    from wrapper.toml_text import toml_templates

    start, class_word = JOBS[new.job], new.said_class
    given = {key: value for key, value in new.rows.items() if value}
    template = toml_templates("project").get_template("lorawrap.toml.j2")
    class_images = {"source": "generate", "count": 0, "prompt": f"photo of a {class_word}"}
    return template.render(
        {
            **start,
            "name": new.name,
            "trigger": new.trigger,
            "class_word": class_word,
            "manifest": new.photos,
            "model": new.model or start["model"],
            "inpaint_model": new.inpaint_model or start["inpaint_model"],
            "defaults": {**given, **{key: value for key, value in ROWS.items() if key not in given}},
            "preset": new.preset,
            "missing": [NEEDED[key] for key in missing_rows(new)],
            "class_images": class_images,
            "prompt": f"photo of a {new.trigger} {class_word}, front view",
            **new.settings,
        }
    )


def create(folder: Path, new: NewProject) -> Path:
    """Write ``folder/lorawrap.toml`` and return it; a project that is there is never overwritten."""
    path = folder / PROJECT_FILE
    check_new(folder)
    photos = Path(new.photos).expanduser()
    if not (folder / photos).exists():
        raise UserError(f"{photos}: there is no such folder or manifest.", "Give it with --photos.")
    check(new)
    write_text(path, project_text(new))
    return path


def check_new(folder: Path) -> None:
    """Raise `UserError` when there is a project in ``folder``."""
    if (folder / PROJECT_FILE).exists():
        text = f"{folder / PROJECT_FILE}: there is a project here already."
        raise UserError(text, "Edit it, or choose another folder.")


def check(new: NewProject) -> None:
    """Raise `UserError` for what every later command would refuse."""
    validate({"project": {"name": new.name}}, {"project.name": "--name"})
    check_tokens(new.trigger, new.said_class)
    age = new.rows.get("age", "").replace("–", "-")
    known = [known for known in get_args(AGE) if new.job == "ear" or known != UNDER_18]
    if age and age not in known:
        raise UserError(f"--age {age}: is no age bucket of the {new.job} job.", f"Known: {', '.join(known)}.")
