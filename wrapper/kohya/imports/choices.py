"""The parts of an import that the project decides by its own settings, not by Kohya's keys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wrapper.kohya.imports import gui
from wrapper.kohya.imports.base import Base
from wrapper.kohya.imports.foreign import Foreign
from wrapper.kohya.imports.photographs import MANIFEST, Captions, Photograph
from wrapper.kohya.imports.settings import Settings, crop_size, effective
from wrapper.kohya.imports.sources import Source, layers
from wrapper.kohya.imports.values import number
from wrapper.kohya.presets import preset_here
from wrapper.project.init import JOBS, NewProject

_BAD_NAME = re.compile(r'[/\\:<>"|?*=,\x00-\x1f\x7f]')
_LONGEST_NAME = 60
_MAX_REPEATS = 20
_SIZE = 512
"""sd-scripts has no resolution of its own; this one is SD 1.5's."""


@dataclass(frozen=True)
class Found:
    """What an import has read so far. ``folders`` are the training folders with their images."""

    foreign: Foreign
    values: Mapping[str, Any]
    folders: Sequence[tuple[Source, str, list[Photograph], Captions]]
    class_images: Sequence[Source]
    words: tuple[str, str]
    base: Base

    @property
    def stage(self) -> Literal["stage_a", "stage_b"]:
        """Masked training is Stage B's."""
        masked = any(photo.mask for _, _, photos, _ in self.folders for photo in photos)
        return "stage_b" if masked else "stage_a"

    @property
    def uses(self) -> dict[str, int]:
        """Images × repeats of each training folder."""
        return {name: source.repeats * len(photos) for source, name, photos, _ in self.folders}


def choose(
    found: Found,
    settings: Settings,
    photos: Path | None,
    rows: Mapping[str, str],
    *,
    name: str,
    model: str,
    inpaint_model: str,
    preset: str,
) -> NewProject:
    """The project; what the command line says is given by name, empty for nothing."""
    _steps(found, settings)
    if found.values and "network_module" not in settings.kohya:
        settings.set("network_module", "networks.lora", "", "the file leaves it to the command line")
    in_stage_b = found.stage == "stage_b"
    tables = {
        "kohya_b" if in_stage_b else "kohya_a": settings.kohya,
        "kohya_a" if in_stage_b else "kohya_b": {},
    }
    more = {
        "seed": _seed(found, settings),
        "size": _size(found, settings),
        "class_images": _class_images(found, settings),
        "stage_a": not in_stage_b,
        "stage_b": in_stage_b,
        **tables,
        **({} if photos else {"captions": "files", "holdout": "none", **_balance(found)}),
    }
    return NewProject(
        job="face" if found.base.kind == "sdxl" else "ear",
        photos=photos.resolve().as_posix() if photos else MANIFEST,
        name=name or _name(found, settings),
        trigger=found.words[0],
        class_word=found.words[1],
        **_bases(found, settings, model, inpaint_model),
        rows=rows,
        preset=preset or ("kohya" if found.values else preset_here()),
        settings=more,
    )


def _steps(found: Found, settings: Settings) -> None:
    """kohya_ss works its steps out from epochs where none are said."""
    preset = found.foreign.train
    if found.foreign.program != "kohya_ss" or "epoch" not in preset:
        return
    if gui.says_steps(preset):
        settings.trail.drop("epoch", preset["epoch"], "max_train_steps or max_train_epochs says more")
    elif found.folders and not found.foreign.dataset:
        steps = gui.planned_steps(preset, sum(found.uses.values()), bool(found.class_images))
        settings.set("max_train_steps", steps, preset["epoch"], "as kohya_ss works it out", "epoch")
    else:
        epochs = max(int(number(preset["epoch"]) or 1), 1)
        settings.set("max_train_epochs", epochs, preset["epoch"], "", "epoch")


def _name(found: Found, settings: Settings) -> str:
    said = str(found.values.get("output_name") or found.words[0])
    name = _BAD_NAME.sub("-", said)[:_LONGEST_NAME]
    if "output_name" in found.values:
        note = f"the file will be {name}_{found.stage}.safetensors"
        settings.trail.put(settings.name("output_name"), said, "[project] name", note)
    return name


def _seed(found: Found, settings: Settings) -> int:
    said, own = found.values.get("seed"), int(JOBS["ear"]["seed"])
    if said is None:
        if found.values:
            settings.trail.put("(seed)", own, "[project] seed", "sd-scripts draws one a run")
        return own
    try:
        seed = int(str(said))
    except ValueError:
        seed = -1
    if 0 <= seed < 2**32:
        settings.trail.put("seed", seed, "[project] seed")
        return seed
    settings.trail.drop("seed", said, f"not a whole number from 0 to 2^32 - 1: {own} is taken")
    return own


def _size(found: Found, settings: Settings) -> int:
    """One size for all: of several datasets the first one's, which beats the training file's."""
    each = [effective("resolution", tables) for tables in layers(found.foreign.dataset)]
    said = [value for value in each if value is not None] or [found.values.get("resolution")]
    size, note = crop_size(said[0]) if said[0] is not None else (_SIZE, "not said")
    settings.trail.put(settings.name("resolution"), said[0], "[crop] size", note or f"{size} px")
    for other in said[1:]:
        if other != said[0]:
            settings.trail.drop("resolution", other, "one project has one size")
    return size


def _bases(found: Found, settings: Settings, model: str, inpaint_model: str) -> dict[str, str]:
    base, trail = found.base, settings.trail
    if base.spec:
        place = "[base] inpaint_model" if base.inpaint else "[base] model"
        trail.put("pretrained_model_name_or_path", base.spec, place, base.note)
    if found.stage == "stage_b" and not base.inpaint and not inpaint_model:
        trail.put(
            "(inpaint_model)",
            "",
            "[base] inpaint_model",
            "Stage B trains on a base with nine channels: name one",
        )
    own = {"inpaint_model" if base.inpaint else "model": base.spec}
    return {
        **own,
        **{key: text for key, text in (("model", model), ("inpaint_model", inpaint_model)) if text},
    }


def _balance(found: Found) -> dict[str, Any]:
    """As many uses of each folder an epoch as its repeats gave."""
    uses, most = found.uses, max((source.repeats for source, *_ in found.folders), default=1)
    chosen: dict[str, Any] = {
        "by": [],
        "epoch_images": sum(uses.values()),
        "max_repeats": max(most, _MAX_REPEATS),
    }
    if len(uses) > 1:
        chosen |= {"by": ["folder"], "shares": {name: float(count) for name, count in uses.items()}}
    return chosen


def _class_images(found: Found, settings: Settings) -> dict[str, Any]:
    prompt = f"photo of a {found.words[1]}"
    used = [] if found.stage == "stage_b" else list(found.class_images[:1])
    for source in used:
        note = f"{len(source.images())} class images, used where they are"
        settings.trail.put("is_reg", source.folder, "[regularisation] folder", note)
    for source in found.class_images[len(used) :]:
        why = "a project has one folder of class images" if used else "Stage B has no class images"
        settings.trail.drop("is_reg", source.folder, why)
    if not used:
        return {"source": "none", "count": 0, "prompt": prompt}
    folder = used[0].folder.absolute().as_posix()
    return {"source": "folder", "folder": folder, "count": 0, "prompt": prompt}
