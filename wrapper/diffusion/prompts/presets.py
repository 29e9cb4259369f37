"""Prompts by name: ``templates/prompts.toml``, and a project's own ``prompts.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dataset_tools.captioning.phrases import library
from dataset_tools.errors import Problems, UserError, did_you_mean
from wrapper.diffusion.pipelines.schedulers import sampler_name
from wrapper.diffusion.prompts.preset_words import PLACEHOLDER, check_values, known_placeholders
from wrapper.places import shipped
from wrapper.project.load import parse_toml

FILE = "prompts.toml"
"""Beside ``lorawrap.toml``."""


class Preset(BaseModel):
    """One entry of a preset file; `templates/prompts.toml` says what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    about: str = ""
    task: Literal["txt2img", "inpaint"] = "txt2img"
    text: str = Field(min_length=1)
    negative: tuple[str, ...] = ()
    values: dict[str, str] = {}
    sampler: str = "Euler a"
    steps: int = Field(40, ge=1, le=1000)
    cfg: float = Field(5.0, ge=0.0, le=50.0)
    strength: float | None = Field(None, gt=0.0, le=1.0)
    size: tuple[float, float] | None = None

    def negative_text(self) -> str:
        """Kinds of the prompt library as their words, anything else as it stands."""
        kinds = library()["negatives"]
        return ", ".join(str(kinds.get(part, part)) for part in self.negative)


def list_presets(project: Path | None = None) -> dict[str, Preset]:
    """Every preset by name: the shipped ones, and those of ``prompts.toml`` in the folder ``project``.

    Raises one `UserError` with everything that is wrong with the project's file.
    """
    found = _read(shipped("templates") / FILE)
    own = project / FILE if project else None
    return {**found, **(_read(own) if own and own.is_file() else {})}


def find_preset(name: str, project: Path | None = None) -> Preset:
    """The preset ``name``. Raises `UserError` with the nearest name."""
    presets = list_presets(project)
    if name not in presets:
        hint = did_you_mean(name, presets) or f"Known: {', '.join(presets)}."
        raise UserError(f"There is no preset '{name}'.", hint)
    return presets[name]


def _read(path: Path) -> dict[str, Preset]:
    problems, presets = Problems(), {}
    for name, entry in parse_toml(path).items():
        where = f"{path} [{name}]"
        try:
            presets[name] = Preset.model_validate(entry)
        except ValidationError as error:
            _tell(error, where, problems)
        else:
            _check(presets[name], where, problems)
    problems.raise_if_any()
    return presets


def _check(preset: Preset, where: str, problems: Problems) -> None:
    for name in PLACEHOLDER.findall(preset.text):
        if name not in known_placeholders():
            hint = did_you_mean(name, known_placeholders()) or f"Known: {', '.join(known_placeholders())}."
            problems.add(where, f"text: there is no {{{name}}}.", hint)
    if (preset.task == "inpaint") != (preset.strength is not None):
        problems.add(where, "strength is for task 'inpaint', which needs it.")
    try:
        check_values(preset.values)
        sampler_name(preset.sampler)
    except UserError as error:
        problems.add(where, error.message, error.hint)


def _tell(error: ValidationError, where: str, problems: Problems) -> None:
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            problems.add(where, f"unknown key '{key}'.", did_you_mean(key, Preset.model_fields))
        else:
            problems.add(where, f"{key}: {fault['msg']} (found {fault['input']!r}).")


def split_preset(spec: str) -> tuple[str, Mapping[str, str]]:
    """``ear/profile_left,skin_tone=olive`` → name and values. Raises `UserError` for a part without ``=``."""
    name, *parts = (part.strip() for part in spec.split(","))
    values: dict[str, Any] = {}
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value:
            raise UserError(f"--preset {spec}: '{part}' is not KEY=VALUE.", "For example skin_tone=olive.")
        values[key] = value
    return name, values
