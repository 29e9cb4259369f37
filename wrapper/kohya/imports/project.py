"""``lorawrap init --from FILE``: plan what the project would be, then write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dataset_tools.errors import UserError
from dataset_tools.files import write_text
from wrapper.kohya.imports import gui
from wrapper.kohya.imports.base import find_base
from wrapper.kohya.imports.choices import Found, choose
from wrapper.kohya.imports.foreign import read_foreign
from wrapper.kohya.imports.photographs import Photograph, photographs
from wrapper.kohya.imports.placing import PROMPTS, place_all
from wrapper.kohya.imports.settings import Settings
from wrapper.kohya.imports.sources import find_sources, tell_unused
from wrapper.kohya.imports.trail import Trail
from wrapper.kohya.imports.words import find_words, tell_folder
from wrapper.project.init import NewProject, check, check_new, project_text
from wrapper.project.layout import PROJECT_FILE

_FOLDER_KEYS = ("train_data_dir", "dataset_config", "image_dir", "num_repeats")


@dataclass(frozen=True)
class Said:
    """What the command line says; it beats the file. ``photos`` None: the file's own folders."""

    name: str = ""
    trigger: str = ""
    class_word: str = ""
    model: str = ""
    inpaint_model: str = ""
    preset: str = ""
    photos: Path | None = None
    dataset_file: Path | None = None
    rows: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Import:
    """All that would be written, and the trail of where it comes from."""

    new: NewProject
    photos: Sequence[Photograph]
    prompts: str
    trail: Trail


def plan(file: Path, said: Said) -> Import:
    """Read ``file`` and all that it names; nothing is written. Raises `UserError` for what cannot be read."""
    trail = Trail()
    foreign = read_foreign(file, said.dataset_file, trail)
    values, names = dict(foreign.train), {}
    if foreign.program == "kohya_ss":
        values, names = _of_gui(file, foreign.train, trail)
    if said.photos:
        tell_unused(foreign, values, trail)
    sources = [] if said.photos else find_sources(foreign, values, trail)
    train = [source for source in sources if not source.is_reg]
    if not train and not said.photos:
        raise _no_photographs(file, trail)
    class_images = [source for source in sources if source.is_reg]
    words = find_words(train, class_images, said.trigger, said.class_word, trail)
    folders = photographs([replace(source, tokens=source.tokens or " ".join(words)) for source in train])
    for source, name, photos, captions in folders:
        tell_folder(source, name, photos, captions, words[0], trail)
    found = Found(foreign, values, folders, class_images, words, find_base(foreign, values))
    settings = Settings(foreign, found.stage, found.base.kind, trail, names)
    settings.take(values)
    prompts = _prompts(settings, values.get("sample_prompts"))
    said_by = {key: getattr(said, key) for key in ("name", "model", "inpaint_model", "preset")}
    new = choose(found, settings, said.photos, said.rows, **said_by)
    check(new)
    return Import(new, [photo for _, _, photos, _ in folders for photo in photos], prompts, trail)


def write(folder: Path, planned: Import) -> Path:
    """Write the project and return its ``lorawrap.toml``, which comes last; what was cut off goes on."""
    check_new(folder)
    place_all(folder, planned.photos, planned.prompts)
    write_text(folder / PROJECT_FILE, project_text(planned.new))
    return folder / PROJECT_FILE


def _of_gui(file: Path, preset: Mapping[str, Any], trail: Trail) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        return gui.to_kohya(preset, trail)
    except UserError as error:
        raise UserError(f"{file}: {error.message}", error.hint) from None


def _no_photographs(file: Path, trail: Trail) -> UserError:
    told = [line for line in trail.lines if line.key.startswith(_FOLDER_KEYS)]
    lines = [
        f"{file}: names no photographs that are here.",
        *(f"  {line.key} {line.value}: {line.why}" for line in told),
    ]
    return UserError("\n".join(lines), "Give their folder with --photos.")


def _prompts(settings: Settings, said: object) -> str:
    """kohya_ss keeps the sample prompts themselves, which become a file; sd-scripts names a file."""
    if not said:
        return ""
    if settings.foreign.program != "kohya_ss":
        settings.take_one("sample_prompts", said)
        return ""
    settings.set("sample_prompts", PROMPTS, said, "", "sample_prompts")
    return f"{str(said).strip()}\n"
