"""``--preset ear/profile_left,skin_tone=olive`` → a prompt with everything that it is to be drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dataset_tools.errors import UserError
from wrapper.diffusion.pipelines.sides import SIDE_STEP
from wrapper.diffusion.prompts.preset_words import check_values, fill
from wrapper.diffusion.prompts.presets import find_preset, list_presets, split_preset

if TYPE_CHECKING:
    from wrapper.project.load import Project

Task = Literal["txt2img", "inpaint"]
COMMANDS = {"txt2img": "generate", "inpaint": "inpaint"}


@dataclass(frozen=True)
class PresetPrompt:
    """A preset, filled in. ``strength`` is for inpainting; ``size`` are shares of the base's own side."""

    name: str
    task: Task
    text: str
    negative: str
    sampler: str
    steps: int
    cfg: float
    strength: float | None = None
    size: tuple[float, float] | None = None

    def size_px(self, native: int) -> tuple[int, int] | None:
        """(width, height) for a base whose own side is ``native`` pixels; None is the base's own."""
        if self.size is None:
            return None
        width, height = (max(1, round(share * native / SIDE_STEP)) * SIDE_STEP for share in self.size)
        return width, height


def preset_for(task: Task, spec: str, project: Project | None) -> PresetPrompt:
    """`preset_prompt` with the project's trigger, class word and ``prompts.toml``, if there is a project.

    Raises `UserError` for a preset of another task, too.
    """
    root = project.paths.root if project else None
    if project:
        captions = project.settings.captions
        found = preset_prompt(spec, captions.trigger, captions.class_word, root)
    else:
        found = preset_prompt(spec)
    if found.task != task:
        fitting = ", ".join(name for name, preset in list_presets(root).items() if preset.task == task)
        raise UserError(
            f"The preset '{found.name}' is for lorawrap {COMMANDS[found.task]}.",
            f"Here there are: {fitting}.",
        )
    return found


def preset_prompt(
    spec: str, trigger: str = "", class_word: str = "person", project: Path | None = None
) -> PresetPrompt:
    """The preset that ``spec`` names, with the values behind the name, for a project's trigger and class.

    ``project`` is the folder that may have a ``prompts.toml``. Raises `UserError` with the nearest name for
    what there is not, and for anybody under 18.
    """
    name, given = split_preset(spec)
    preset = find_preset(name, project)
    check_values(given)
    return PresetPrompt(
        name=name,
        task=preset.task,
        text=fill(preset.text, {**preset.values, **given}, trigger, class_word),
        negative=preset.negative_text(),
        sampler=preset.sampler,
        steps=preset.steps,
        cfg=preset.cfg,
        strength=preset.strength,
        size=preset.size,
    )
