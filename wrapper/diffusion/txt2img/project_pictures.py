"""A project's txt2img pictures: every prompt and seed, with and without its LoRA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.files import check_place, write_json
from wrapper.diffusion.pictures.describe import describe
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.picture import save_picture
from wrapper.diffusion.pictures.sheet import save_sheet
from wrapper.diffusion.pipelines.opening import open_pipeline, project_base
from wrapper.diffusion.pipelines.sampling import Sampling, native_size
from wrapper.diffusion.prompts.lora_tags import refuse_tags
from wrapper.diffusion.prompts.prompt import Prompt
from wrapper.diffusion.txt2img.gallery import tells_of
from wrapper.diffusion.txt2img.generate import Drawn, Size, check_request, draw
from wrapper.project.layout import STAGES
from wrapper.project.load import DEFAULT

if TYPE_CHECKING:
    from wrapper.base_model.detect import BaseInfo
    from wrapper.lora.apply import LoraUse
    from wrapper.project.load import Project

FOLDER = "txt2img"
WITHOUT = "base"


@dataclass(frozen=True)
class Shot:
    """One prompt and seed, and the file names of its two pictures below ``images/``."""

    prompt: Prompt
    base: str
    lora: str

    def record(self) -> dict[str, Any]:
        """The row of ``txt2img.json``."""
        prompt = self.prompt
        asked = {"prompt": prompt.text, "negative": prompt.negative, "seed": prompt.seed}
        return {**asked, "base": self.base, "lora": self.lora}


@dataclass(frozen=True)
class Half:
    """What every shot is drawn by, once without the LoRA and once with it."""

    pipeline: Any
    info: BaseInfo
    sampling: Sampling
    size: Size
    again: bool

    def draw(self, title: str, wanted: Sequence[tuple[Prompt, Path]], loras: Sequence[LoraUse] = ()) -> None:
        """Draw what is not there yet, or all ``again``, each saved as soon as its batch is done."""
        paths: dict[Prompt, list[Path]] = {}
        for prompt, path in wanted:
            paths.setdefault(prompt, []).append(path)
        own = native_size(self.pipeline)
        size = (self.size[0] or own, self.size[1] or own)

        def is_there(prompt: Prompt) -> bool:
            if self.again or not all(path.is_file() for path in paths[prompt]):
                return False
            told = describe(prompt, self.sampling, size, self.info, loras)
            return all(tells_of(path, told) for path in paths[prompt])

        arguments = self.pipeline, self.info, list(paths), self.sampling, size, loras, title
        for drawn in draw(*arguments, is_there=is_there):
            for path in paths[drawn.prompt]:
                save_drawn(path, drawn)


def generate_project(project: Project, *, again: bool = False) -> Path:
    """Draw [generate]'s prompts × seeds into ``images/txt2img/``; returns the sheet of all of them.

    A picture that is there with just the same parameters is kept, unless all are to be drawn ``again``.
    ``images/txt2img.json`` lists them. Raises `UserError` when there is no prompt or no trained LoRA.
    """
    from wrapper.lora.apply import apply_loras

    settings, images = project.settings.generate, project.paths.images
    use = project_lora(project)
    shots = plan_shots(project, use.path.stem)
    sampling = Sampling(settings.sampler, settings.steps, settings.cfg)
    size = wanted_size(project)
    check_request([shot.prompt for shot in shots], sampling, size)
    check_place(images / FOLDER)
    info = project_base(project, "txt2img")
    half = Half(open_pipeline(info, "txt2img"), info, sampling, size, again)
    half.draw("txt2img, the base alone", [(shot.prompt, images / shot.base) for shot in shots])
    apply_loras(half.pipeline, [use])
    half.draw("txt2img, with the LoRA", [(shot.prompt, images / shot.lora) for shot in shots], [use])
    write_json(images / f"{FOLDER}.json", [shot.record() for shot in shots])
    _remove_others(images / FOLDER, {images / name for shot in shots for name in (shot.base, shot.lora)})
    return _save_sheet(shots, images)


def plan_shots(project: Project, lora_name: str) -> list[Shot]:
    """Every prompt with every seed, in order. Raises `UserError` when the project asks for none."""
    settings = project.settings.generate
    if not settings.prompts or not settings.seeds:
        raise UserError(
            f"{project.paths.file} [generate]: no prompts or no seeds.",
            'Write prompts = ["…"] and seeds = [1, 2] there, or give --prompt.',
        )
    shots = []
    for number, text in enumerate(settings.prompts, start=1):
        refuse_tags(text)
        for seed in settings.seeds:
            stem = f"{FOLDER}/{number:02d}_seed{seed}"
            prompt = Prompt(text, settings.negative, seed)
            shots.append(Shot(prompt, f"{stem}_{WITHOUT}.png", f"{stem}_{lora_name}.png"))
    return shots


def project_lora(project: Project) -> LoraUse:
    """The LoRA that txt2img is shown with: Stage A's, else Stage B's. Raises `UserError` without one."""
    from wrapper.lora.apply import LoraUse

    name = project.settings.project.name
    for stage in STAGES:
        path = project.paths.lora(stage, name)
        if path.is_file():
            return LoraUse(path, project.settings.generate.lora_weight)
    raise UserError(f"{project.paths.loras}: no trained LoRA '{name}'.", "Run 'lorawrap train' first.")


def wanted_size(project: Project) -> Size:
    """(width, height) of [generate], None for a side that the project leaves to the base."""
    settings = project.settings.generate
    sides = {"width": settings.width, "height": settings.height}
    width, height = (None if project.origin(f"generate.{k}") == DEFAULT else v for k, v in sides.items())
    return width, height


def save_drawn(path: Path, drawn: Drawn) -> None:
    """Save one txt2img picture with its parameters, marked as generated."""
    save_picture(path, Photograph(drawn.pixels), drawn.info, "trainedAlgorithmicMedia")


def _save_sheet(shots: list[Shot], images: Path) -> Path:
    """Two rows a prompt: the seeds without the LoRA, and with it."""
    from dataset_tools.pictures.images import read_rgb

    rows = []
    for text, group in _by_prompt(shots):
        rows.append((f"base · {text}", [read_rgb(images / shot.base) for shot in group]))
        rows.append((f"LoRA · {text}", [read_rgb(images / shot.lora) for shot in group]))
    return save_sheet(images / f"{FOLDER}_sheet.png", rows)


def _by_prompt(shots: list[Shot]) -> Iterator[tuple[str, list[Shot]]]:
    for text in dict.fromkeys(shot.prompt.text for shot in shots):
        yield text, [shot for shot in shots if shot.prompt.text == text]


def _remove_others(folder: Path, kept: set[Path]) -> None:
    """Take away pictures of earlier prompts, seeds and LoRAs."""
    for path in folder.glob("*.png"):
        if path not in kept:
            path.unlink()
