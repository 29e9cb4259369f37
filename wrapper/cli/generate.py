"""``lorawrap generate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import in_project, next_step, open_project, project_options
from wrapper.cli.sampling_options import (
    first_given,
    project_unless_base,
    random_seed,
    sampling_options,
)

if TYPE_CHECKING:
    from wrapper.diffusion.pipelines.sampling import Sampling
    from wrapper.project.load import Project


@click.command("generate")
@project_options
@click.option(
    "--prompt", metavar="TEXT", help="What to draw; <lora:NAME:WEIGHT> works. Without: the project's."
)
@sampling_options
@click.option("--width", type=click.IntRange(8), help="Pixels, a multiple of 8; by default the base's own.")
@click.option("--height", type=click.IntRange(8), help="Pixels, a multiple of 8; by default the base's own.")
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="Pictures, seeds counting up."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the pictures.")
def command(project: Path, overrides: tuple[str, ...], prompt: str | None, **given: Any) -> None:
    """Draw pictures from text.

    Without --prompt, draw the project's own prompts and seeds, with and without its LoRA, into
    images/txt2img. With --prompt, draw that: with --base anywhere, else with the project's base and LoRA.
    """
    if prompt is None:
        _draw_project(project, overrides, given)
    else:
        _draw_prompt(project_unless_base(project, overrides, given["base"]), prompt, given)


def _draw_project(folder: Path, overrides: tuple[str, ...], given: dict[str, Any]) -> None:
    from wrapper.diffusion.txt2img.project_pictures import generate_project

    misplaced = [f"--{name}" for name, value in given.items() if value not in (None, (), 1)]
    if misplaced:
        raise click.UsageError(
            f"{', '.join(misplaced)} without --prompt: the project's pictures follow its [generate] table. "
            "Give --prompt, or change the table with --set."
        )
    sheet = generate_project(open_project(folder, overrides))
    click.echo(f"wrote {sheet.parent / 'txt2img'} and {sheet.name}")
    next_step(f"look at {sheet}, then lorawrap evaluate{in_project(folder)}")


def _draw_prompt(project: Project | None, prompt: str, given: dict[str, Any]) -> None:
    from dataset_tools.files import check_place
    from wrapper.diffusion.pictures.naming import numbered
    from wrapper.diffusion.pipelines.sampling import Prompt
    from wrapper.diffusion.prompts.lora_tags import take_tags
    from wrapper.diffusion.txt2img.generate import generate
    from wrapper.diffusion.txt2img.project_pictures import save_drawn

    text, tagged = take_tags(prompt, _lora_folders(project))
    loras = [*_loras(project, given["loras"], bool(tagged)), *tagged]
    seed = first_given(given["seed"], random_seed())
    negative = first_given(given["negative"], project and project.settings.generate.negative, "")
    prompts = [Prompt(text, negative, (seed + number) % 2**32) for number in range(given["count"])]
    folder = given["out"] or (project.paths.images if project else Path("images"))
    check_place(folder)
    drawn = generate(
        _base(project, given["base"]), prompts, _sampling(project, given), _size(project, given), loras
    )
    paths = []
    for picture in drawn:
        paths.append(numbered(folder, picture.prompt.seed))
        save_drawn(paths[-1], picture)
    for path in paths:  # not while the bar is on the screen: they would share a line
        click.echo(f"wrote {path}")
    next_step(f"look at {paths[-1]}; its parameters go into A1111's 'PNG Info'")


def _base(project: Project | None, spec: str | None) -> Any:
    from wrapper.diffusion.pipelines.opening import named_base, project_base

    return project_base(project, "txt2img") if project else named_base(str(spec), "txt2img")


def _lora_folders(project: Project | None) -> list[Path]:
    return [project.paths.loras] if project else [Path(), Path("loras")]


def _loras(project: Project | None, given: tuple[str, ...], tagged: bool) -> list[Any]:
    from wrapper.diffusion.prompts.lora_tags import parse_lora_argument
    from wrapper.diffusion.txt2img.project_pictures import project_lora

    if given or tagged or project is None:
        return [parse_lora_argument(text) for text in given]
    return [project_lora(project)]


def _sampling(project: Project | None, given: dict[str, Any]) -> Sampling:
    from wrapper.diffusion.pipelines.sampling import Sampling
    from wrapper.project.schema import GenerateSection

    settings = project.settings.generate if project else GenerateSection()
    return Sampling(
        first_given(given["sampler"], settings.sampler),
        first_given(given["steps"], settings.steps),
        first_given(given["cfg"], settings.cfg),
    )


def _size(project: Project | None, given: dict[str, Any]) -> tuple[int | None, int | None]:
    from wrapper.diffusion.txt2img.project_pictures import wanted_size

    width, height = wanted_size(project) if project else (None, None)
    return first_given(given["width"], width), first_given(given["height"], height)
