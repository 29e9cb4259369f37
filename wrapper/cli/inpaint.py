"""``lorawrap inpaint``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wrapper.cli.options import next_step, project_options
from wrapper.cli.sampling_options import (
    first_given,
    project_unless_base,
    random_seed,
    sampling_options,
)

if TYPE_CHECKING:
    from wrapper.diffusion.inpainting.inpaint import InpaintSettings
    from wrapper.project.load import Project

MOSTLY = 0.8
"""From this share of repainted pixels on, a mask is asked about."""
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("inpaint")
@click.option("--image", type=_FILE, required=True, help="The photograph, of any size.")
@click.option("--mask", type=_FILE, required=True, help="Its mask, of the same size: white is repainted.")
@click.option("--prompt", metavar="TEXT", required=True, help="What belongs there; <lora:NAME:WEIGHT> works.")
@click.option("--out", type=_FILE, required=True, help="A new .png, .webp or .jpg.")
@project_options
@sampling_options
@click.option(
    "--strength", type=click.FloatRange(0, 1, min_open=True), help="1 paints anew, less keeps traces."
)
@click.option(
    "--padding", type=click.IntRange(0), metavar="PX", help="Margin about the mask that the model sees."
)
@click.option(
    "--mask-blur", type=click.IntRange(0), metavar="PX", help="Width of the soft edge outside the mask."
)
@click.option("--work-size", type=click.IntRange(64), metavar="PX", help="Side that the model works at.")
def command(project: Path, overrides: tuple[str, ...], **given: Any) -> None:
    """Repaint the masked part of a photograph; everything else stays as it is, to the bit.

    The part about the mask is cut out, repainted at the base's own size, and laid back with a soft edge.
    Size, colour profile and EXIF of the photograph are kept. With --base anywhere, else with the project's
    base, LoRA and [inpaint] table.
    """
    from wrapper.diffusion.inpainting.inpaint_file import InpaintFile, inpaint_file
    from wrapper.diffusion.pictures.picture import LOSSY_NOTE, is_lossy
    from wrapper.diffusion.pipelines.sampling import Prompt
    from wrapper.diffusion.prompts.lora_tags import take_tags

    opened = project_unless_base(project, overrides, given["base"])
    text, tagged = take_tags(given["prompt"], [opened.paths.loras] if opened else [Path(), Path("loras")])
    prompt = Prompt(text, given["negative"] or "", first_given(given["seed"], random_seed()))
    loras = [*_loras(opened, given["loras"], bool(tagged)), *tagged]
    job = InpaintFile(
        given["image"], given["mask"], given["out"], prompt, _settings(opened, given), tuple(loras)
    )
    changed = inpaint_file(_base(opened, given["base"]), job)
    if is_lossy(job.out):
        click.echo(LOSSY_NOTE, err=True)
    click.echo(f"wrote {job.out} (seed {prompt.seed}, {changed:.1%} of the pixels repainted)")
    if changed > MOSTLY:
        click.echo(
            "Nearly all of it was repainted: white is the part to repaint. Is the mask inverted?", err=True
        )
    next_step(f"look at {job.out}")


def _base(project: Project | None, spec: str | None) -> Any:
    from wrapper.diffusion.pipelines.opening import named_base, project_base

    return project_base(project, "inpaint") if project else named_base(str(spec), "inpaint")


def _loras(project: Project | None, given: tuple[str, ...], tagged: bool) -> list[Any]:
    from wrapper.diffusion.inpainting.inpaint_file import project_inpaint_lora
    from wrapper.diffusion.prompts.lora_tags import parse_lora_argument

    if given or tagged or project is None:
        return [parse_lora_argument(text) for text in given]
    return [project_inpaint_lora(project)]


def _settings(project: Project | None, given: dict[str, Any]) -> InpaintSettings:
    from wrapper.diffusion.inpainting.inpaint import InpaintSettings
    from wrapper.diffusion.inpainting.inpaint_file import project_inpaint_settings
    from wrapper.diffusion.pipelines.sampling import Sampling

    known = project_inpaint_settings(project) if project else InpaintSettings()
    sampling = Sampling(
        first_given(given["sampler"], known.sampling.sampler),
        first_given(given["steps"], known.sampling.steps),
        first_given(given["cfg"], known.sampling.cfg),
        first_given(given["strength"], known.sampling.strength),
    )
    return InpaintSettings(
        sampling,
        first_given(given["mask_blur"], known.mask_blur_px),
        first_given(given["padding"], known.padding_px),
        known.context,
        first_given(given["work_size"], known.work_size),
    )
